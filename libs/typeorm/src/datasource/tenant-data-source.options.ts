import { isSchemaName, TenancyConfigurationError } from '@tenantry/core';
import type { DataSourceOptions } from 'typeorm';
import { UNBOUND_SEARCH_PATH } from '../binding/binding.js';
import {
  resolveTenantPoolOptions,
  type ResolvedTenantPoolOptions,
  type TenantPoolOptions,
} from '../pool/tenant-pool.options.js';

/** TypeORM's options for PostgreSQL. */
export type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/**
 * - `path` (L0): a statement's `search_path` names the tenant's schema. Correct code cannot stray; code that
 *   writes another schema's name in its SQL is not stopped.
 * - `role` (L1, default): besides, the statement runs as the tenant's role, which has no rights elsewhere, and
 *   one text can hold only one statement.
 */
export type IsolationLevel = 'path' | 'role';

export interface IsolationOptions {
  /** Default `role`. */
  readonly level?: IsolationLevel;
  /** Schema of the registry and of the application's other central tables. Default `tenantry`. */
  readonly centralSchema?: string;
  /** Role that central statements run as. Default: named like the central schema, with `_central` behind. */
  readonly centralRole?: string;
  /** Schemas that hold extensions, appended to every path. Never `public`. Default: none. */
  readonly extensionSchemas?: readonly string[];
  /** Views kept for reuse. One costs about 2 KB; an evicted one is made anew when needed. Default 2,000. */
  readonly maxViews?: number;
}

export interface TenantDataSourceOptions {
  readonly isolation?: IsolationOptions;
  readonly pool?: TenantPoolOptions;
}

export interface ResolvedTenantDataSourceOptions {
  readonly isolation: Readonly<Required<IsolationOptions>>;
  readonly pool: ResolvedTenantPoolOptions;
}

/** PostgreSQL's limit, less what the registry's channel has behind the name. */
const MAX_CENTRAL_SCHEMA_BYTES = 63 - '_tenants'.length;
const LEVELS: readonly IsolationLevel[] = ['path', 'role'];

/** @throws {TenancyConfigurationError} for a level, name or number that cannot be */
export function resolveTenantDataSourceOptions(
  input: TenantDataSourceOptions = {},
): ResolvedTenantDataSourceOptions {
  const {
    level = 'role',
    centralSchema = 'tenantry',
    extensionSchemas = [],
    maxViews = 2_000,
  } = input.isolation ?? {};
  const { centralRole = `${centralSchema}_central` } = input.isolation ?? {};
  // Options often come from the environment, as any text; a level nobody knows would isolate nothing.
  if (!LEVELS.includes(level)) {
    throw new TenancyConfigurationError(
      `isolation.level must be ${LEVELS.map((known) => `'${known}'`).join(' or ')}, not ${JSON.stringify(level)}.`,
    );
  }
  for (const name of [centralSchema, centralRole, ...extensionSchemas]) {
    if (!isSchemaName(name) || name === UNBOUND_SEARCH_PATH) {
      throw new TenancyConfigurationError(
        `isolation: ${JSON.stringify(name)} is no name for a schema or role of ours.`,
      );
    }
  }
  if (centralSchema.length > MAX_CENTRAL_SCHEMA_BYTES) {
    throw new TenancyConfigurationError(
      `isolation.centralSchema may have at most ${MAX_CENTRAL_SCHEMA_BYTES} characters: other names are made of it.`,
    );
  }
  if (extensionSchemas.includes(centralSchema)) {
    throw new TenancyConfigurationError(
      `isolation.extensionSchemas: '${centralSchema}' is the central schema, which no tenant may have in its path.`,
    );
  }
  if (!Number.isSafeInteger(maxViews) || maxViews < 1) {
    throw new TenancyConfigurationError('isolation.maxViews must be a whole number of at least 1.');
  }
  return Object.freeze({
    isolation: Object.freeze({
      level,
      centralSchema,
      centralRole,
      extensionSchemas: Object.freeze([...extensionSchemas]),
      maxViews,
    }),
    pool: resolveTenantPoolOptions(input.pool),
  });
}

/** What would run without a tenant, read another schema, or replace the pool. */
const REFUSED: readonly (readonly [keyof PostgresOptions, string])[] = [
  ['schema', 'the schema comes from the tenant in force'],
  ['synchronize', 'use migrations; a view of one tenant can be synchronised in tests'],
  ['dropSchema', 'drop the tenant instead'],
  ['migrationsRun', 'migrations run per tenant, by the provisioner and the migrator'],
  ['driver', 'the suite brings its own pool'],
  ['nativeDriver', 'pg-native cannot carry a binding in its batches'],
  ['replication', 'read replicas are not supported yet'],
  ['logNotifications', 'a listener on a shared connection would hear every tenant'],
];

/** @throws {TenancyConfigurationError} for an option of TypeORM that cannot be had together with tenants */
export function refuseUnsafeOptions(options: Partial<PostgresOptions>): void {
  for (const [name, reason] of REFUSED) {
    if (options[name])
      throw new TenancyConfigurationError(`TypeORM's option '${name}' cannot be used here: ${reason}.`);
  }
  const { cache } = options;
  if (
    cache === true ||
    (typeof cache === 'object' && (cache.type === undefined || cache.type === 'database') && !cache.provider)
  ) {
    throw new TenancyConfigurationError(
      "TypeORM's option 'cache' cannot use the database, whose one table all tenants would share. Use cache.provider or Redis.",
    );
  }
}
