import { isSchemaName, TenancyConfigurationError } from '@tenantry/core';

/** What a statement is bound to before it runs. Precomputed once per tenant; holds no connection. */
export interface Binding {
  readonly schema: string;
  /** Value of `search_path`: the schema, the extension schemas, and `pg_temp` last. */
  readonly searchPath: string;
  /** Role the statement runs as; `undefined` leaves the login's own. */
  readonly role: string | undefined;
  /** How long each statement may run, in milliseconds; `undefined` leaves the session's own. */
  readonly statementTimeoutMs?: number | undefined;
}

/**
 * A path nobody can create objects in, and that names no schema: what a connection has when nothing is
 * bound. An unqualified name then resolves to nothing.
 */
export const UNBOUND_SEARCH_PATH = 'tenantry_unbound';

/** For connections whose session may hold anything: makes every unqualified name resolve to nothing. */
export const UNBOUND_BINDING: Binding = Object.freeze({
  schema: 'pg_catalog',
  searchPath: UNBOUND_SEARCH_PATH,
  role: undefined,
});

/**
 * @param extensions schemas of extensions, never `public`
 * @param statementTimeoutMs of each statement; `undefined` leaves the session's own
 * @throws {TenancyConfigurationError} for a name that cannot be a schema of ours, before it comes near SQL
 */
export function createBinding(
  schema: string,
  role: string | undefined,
  extensions: readonly string[],
  statementTimeoutMs?: number,
): Binding {
  for (const name of [schema, ...extensions, ...(role === undefined ? [] : [role])]) {
    if (!isSchemaName(name) || name === UNBOUND_SEARCH_PATH) {
      throw new TenancyConfigurationError(
        `${JSON.stringify(name)} is no name for a schema or role: a-z, 0-9 and _, at most 63 characters, not pg_…, not public.`,
      );
    }
  }
  return Object.freeze({ schema, searchPath: searchPathOf(schema, extensions), role, statementTimeoutMs });
}

/**
 * `pg_temp` is listed, and last: unlisted it would come first, and a temporary table would shadow the
 * tenant's table of that name.
 */
export function searchPathOf(schema: string, extensions: readonly string[]): string {
  return [...[schema, ...extensions].map((name) => `"${name}"`), 'pg_temp'].join(', ');
}
