import { TenancyError } from './tenancy.error.js';

/** The application is put together in a way that cannot be safe; raised at start-up only. */
export class TenancyConfigurationError extends TenancyError {
  constructor(message: string, cause?: unknown) {
    super({ code: 'TENANCY_CONFIGURATION', kind: 'internal', message, cause });
  }
}
