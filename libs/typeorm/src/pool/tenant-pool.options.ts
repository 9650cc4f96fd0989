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
   * What stands between this application and PostgreSQL. With `none` (default) new connections get a path that
   * names nothing as a start-up parameter, and keep the binding prepared. A `transaction` pooler (PgBouncer in
   * transaction mode) allows neither, nor anything that needs a session: statements that would leave session
   * state, and those that must run alone (VACUUM, CALL, DO, …), are refused with `SessionNeededError`.
   */
  readonly pooler?: 'none' | 'transaction';
  /**
   * Connections one tenant may hold at a time; its further callers wait, in order, and nobody else has to.
   * Default: half of the pool, and at least 1.
   */
  readonly maxConnectionsPerTenant?: number;
  /**
   * How long one statement of a tenant may run, in milliseconds: one number for all, or one per tier, where
   * `default` is for the tiers not named. The server ends it with error 57014. Default: the server's own.
   */
  readonly statementTimeoutMs?: number | Readonly<Record<string, number>>;
  /** Cancels what is running for an HTTP request whose client hung up. Default true. */
  readonly cancelOnAbort?: boolean;
}

export type ResolvedTenantPoolOptions = Readonly<
  Required<Omit<TenantPoolOptions, 'maxConnectionsPerTenant' | 'statementTimeoutMs'>> &
    Pick<TenantPoolOptions, 'maxConnectionsPerTenant' | 'statementTimeoutMs'>
>;

/** @returns the time limit of a tier's statements, in milliseconds; undefined leaves the server's */
export function statementTimeoutOf(
  { statementTimeoutMs }: Pick<TenantPoolOptions, 'statementTimeoutMs'>,
  tier: string | undefined,
): number | undefined {
  if (typeof statementTimeoutMs !== 'object') return statementTimeoutMs;
  const named =
    tier !== undefined && Object.hasOwn(statementTimeoutMs, tier) ? statementTimeoutMs[tier] : undefined;
  return named ?? statementTimeoutMs['default'];
}

export const DEFAULT_TENANT_POOL_OPTIONS: ResolvedTenantPoolOptions = Object.freeze({
  acquireTimeoutMs: 5_000,
  maxSchemasPerConnection: 250,
  pooler: 'none',
  cancelOnAbort: true,
});

/** @throws {TenancyConfigurationError} for a number out of its range */
export function resolveTenantPoolOptions(input: TenantPoolOptions = {}): ResolvedTenantPoolOptions {
  const options = { ...DEFAULT_TENANT_POOL_OPTIONS, ...definedOf(input) };
  const { acquireTimeoutMs, maxSchemasPerConnection, maxConnectionsPerTenant, statementTimeoutMs } = options;
  refuseUnlessPositive({ acquireTimeoutMs, maxSchemasPerConnection, maxConnectionsPerTenant });
  refuseUnlessPositive(typeof statementTimeoutMs === 'object' ? statementTimeoutMs : { statementTimeoutMs });
  return Object.freeze(options);
}

/** An option that is there but undefined is one that is left out. */
function definedOf(input: TenantPoolOptions): TenantPoolOptions {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

function refuseUnlessPositive(numbers: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      throw new TenancyConfigurationError(`pool.${name} must be a whole number of at least 1, not ${value}.`);
    }
  }
}
