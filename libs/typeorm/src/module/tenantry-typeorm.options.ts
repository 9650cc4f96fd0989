import { TenancyConfigurationError } from '@tenantry/core';
import {
  resolveTenantDataSourceOptions,
  type PostgresOptions,
  type ResolvedTenantDataSourceOptions,
  type TenantDataSourceOptions,
} from '../datasource/tenant-data-source.options.js';

type MigrationList = NonNullable<PostgresOptions['migrations']>;

export interface TenantryTypeOrmOptions extends TenantDataSourceOptions {
  /** Connection of the runtime login: one that owns nothing and inherits nothing (see `setUpDatabase`). */
  readonly url: string;
  /**
   * Connection of the login that makes schemas and runs migrations. Without it this application uses
   * tenants, but cannot create them.
   */
  readonly adminUrl?: string | undefined;
  /**
   * Direct connection of the runtime login, on which changes of the registry are heard (LISTEN). Default: `url`, or
   * nothing behind a transaction pooler: then another instance's change is seen when the cache's TTL ends.
   */
  readonly listenUrl?: string | undefined;
  /** TypeORM migrations of a tenant's schema: classes, or globs. */
  readonly tenantMigrations?: MigrationList;
  /** Connections for all tenants together. Default 10. */
  readonly poolSize?: number;
  /** Other options of TypeORM, as they are: logging, naming strategy, subscribers, cache, ssl, … */
  readonly typeorm?: Omit<Partial<PostgresOptions>, 'type' | 'url' | 'migrations' | 'poolSize'>;
}

export interface ResolvedTenantryTypeOrmOptions extends ResolvedTenantDataSourceOptions {
  readonly input: TenantryTypeOrmOptions;
  readonly poolSize: number;
}

/** @throws {TenancyConfigurationError} for what cannot work; the URLs, which hold passwords, are not repeated */
export function resolveTenantryTypeOrmOptions(input: TenantryTypeOrmOptions): ResolvedTenantryTypeOrmOptions {
  const { poolSize = 10 } = input;
  if (!Number.isSafeInteger(poolSize) || poolSize < 1) {
    throw new TenancyConfigurationError(`poolSize must be a whole number of at least 1, not ${poolSize}.`);
  }
  checkUrl('url', input.url);
  if (input.adminUrl !== undefined) checkUrl('adminUrl', input.adminUrl);
  return Object.freeze({ ...resolveTenantDataSourceOptions(input), input, poolSize });
}

function checkUrl(name: 'url' | 'adminUrl', value: string): void {
  const { protocol, username } = URL.canParse(value) ? new URL(value) : { protocol: '', username: '' };
  if (!/^postgres(?:ql)?:$/.test(protocol) || username === '') {
    throw new TenancyConfigurationError(
      `${name} must be a connection string with a user in it: postgres://user:password@host:port/database`,
    );
  }
}

/** The base options of the application's data source. */
export function runtimeDataSourceOptions({
  input,
  poolSize,
}: ResolvedTenantryTypeOrmOptions): PostgresOptions {
  return { applicationName: 'tenantry', ...input.typeorm, type: 'postgres', url: input.url, poolSize };
}

/** Options of the data source that provisions: the same application, another login, few connections. */
export function adminDataSourceOptions(
  { input }: ResolvedTenantryTypeOrmOptions,
  adminUrl: string,
): PostgresOptions {
  return {
    applicationName: 'tenantry-admin',
    ...input.typeorm,
    type: 'postgres',
    url: adminUrl,
    poolSize: 2,
    entities: [],
    subscribers: [],
    cache: false,
    migrations: input.tenantMigrations ?? [],
  };
}
