import { TenancyError } from '@tenantry/core';

/** No connection became free in time. Nothing was sent. */
export class TenantPoolExhaustedError extends TenancyError {
  /** @param heldByCaller connections that the caller's own request or run was holding while it waited */
  constructor(
    readonly schema: string | undefined,
    max: number,
    waitedMs: number,
    readonly heldByCaller: number,
    cause: unknown,
  ) {
    super({
      code: 'TENANT_POOL_EXHAUSTED',
      kind: 'unavailable',
      message:
        `No connection was free for ${schema === undefined ? 'an unbound query' : `schema '${schema}'`} within ${waitedMs} ms: ` +
        `all ${max} of the pool are in use. Raise poolSize, shorten transactions, or raise pool.acquireTimeoutMs.` +
        nestedHint(heldByCaller),
      cause,
    });
  }
}

/** The tenant holds all the connections one tenant may have. Nothing was sent; other tenants are served. */
export class TenantShareExhaustedError extends TenancyError {
  constructor(
    readonly schema: string,
    max: number,
    waitedMs: number,
    readonly heldByCaller: number,
  ) {
    super({
      code: 'TENANT_SHARE_EXHAUSTED',
      kind: 'unavailable',
      message:
        `Schema '${schema}' was using all ${max} connections that one tenant may have for ${waitedMs} ms. ` +
        'Raise pool.maxConnectionsPerTenant, shorten its transactions, or raise pool.acquireTimeoutMs.' +
        nestedHint(heldByCaller),
    });
  }
}

/** No connection to the server could be made: it is down, starting, full, or refuses the login. Nothing was sent. */
export class DatabaseUnavailableError extends TenancyError {
  constructor(cause: unknown) {
    super({
      code: 'DATABASE_UNAVAILABLE',
      kind: 'unavailable',
      message: `No connection to PostgreSQL could be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    });
  }
}

/** Waiting for a second connection while holding the first is how pools deadlock. */
function nestedHint(held: number): string {
  return held === 0
    ? ''
    : ` The caller itself was holding ${held} of them: inside a transaction use its manager, not a repository ` +
        'that takes another connection.';
}
