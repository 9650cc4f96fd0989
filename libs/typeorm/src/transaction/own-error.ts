import { isTenancyError } from '@tenantry/core';
import { QueryFailedError } from 'typeorm';

/** TypeORM wraps whatever a driver says, and so would hide what the suite says by itself. */
export function ownError(error: unknown): unknown {
  return error instanceof QueryFailedError && isTenancyError(error.driverError) ? error.driverError : error;
}
