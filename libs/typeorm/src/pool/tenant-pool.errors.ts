import { TenancyError } from '@tenantry/core';

/** No connection became free in time. Nothing was sent. */
export class TenantPoolExhaustedError extends TenancyError {
  constructor(schema: string | undefined, max: number, waitedMs: number, cause: unknown) {
    super({
      code: 'TENANT_POOL_EXHAUSTED',
      kind: 'unavailable',
      message:
        `No connection was free for ${schema === undefined ? 'an unbound query' : `schema '${schema}'`} within ${waitedMs} ms: ` +
        `all ${max} of the pool are in use. Raise poolSize, shorten transactions, or raise pool.acquireTimeoutMs.`,
      cause,
    });
  }
}
