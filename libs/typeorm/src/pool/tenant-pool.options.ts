import { TenancyConfigurationError } from '@tenantry/core';

export interface TenantPoolOptions {
  /**
   * How long a query waits for a free connection, in milliseconds, before it fails with
   * `TenantPoolExhaustedError`. Default 5,000.
   */
  readonly acquireTimeoutMs?: number;
  /**
   * A connection is ended after it has served this many different schemas, because a PostgreSQL backend keeps
   * catalog entries (about 12 KB per table) for each of them and never gives them back. Default 250:
   * about 12 MB per connection at 4 tables a tenant.
   */
  readonly maxSchemasPerConnection?: number;
  /**
   * Sets `search_path` and `role` of new connections by start-up parameters. Default true. A pooler that
   * refuses start-up options needs `false`, and the same defaults on its side.
   */
  readonly startupParameters?: boolean;
}

export type ResolvedTenantPoolOptions = Readonly<Required<TenantPoolOptions>>;

export const DEFAULT_TENANT_POOL_OPTIONS: ResolvedTenantPoolOptions = Object.freeze({
  acquireTimeoutMs: 5_000,
  maxSchemasPerConnection: 250,
  startupParameters: true,
});

/** @throws {TenancyConfigurationError} for a number out of its range */
export function resolveTenantPoolOptions(input: TenantPoolOptions = {}): ResolvedTenantPoolOptions {
  const { acquireTimeoutMs, maxSchemasPerConnection, startupParameters } = DEFAULT_TENANT_POOL_OPTIONS;
  const options = {
    acquireTimeoutMs: input.acquireTimeoutMs ?? acquireTimeoutMs,
    maxSchemasPerConnection: input.maxSchemasPerConnection ?? maxSchemasPerConnection,
    startupParameters: input.startupParameters ?? startupParameters,
  };
  for (const name of ['acquireTimeoutMs', 'maxSchemasPerConnection'] as const) {
    if (!Number.isSafeInteger(options[name]) || options[name] < 1) {
      throw new TenancyConfigurationError(
        `pool.${name} must be a whole number of at least 1, not ${options[name]}.`,
      );
    }
  }
  return Object.freeze(options);
}
