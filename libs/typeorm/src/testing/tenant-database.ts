import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { schemaNameFor, snapshotTenant, TenantContext, type Tenant } from '@tenantry/core';
import type { MigrationInterface } from 'typeorm';
import { TenantDataSource } from '../datasource/tenant-data-source.js';
import type { PostgresOptions, TenantDataSourceOptions } from '../datasource/tenant-data-source.options.js';
import { migrateCentral } from '../provisioning/central-migrations.js';
import { setUpDatabase } from '../provisioning/database-setup.js';
import { TenantProvisioner } from '../provisioning/tenant-provisioner.js';

export interface TenantDatabaseOptions extends TenantDataSourceOptions {
  /** An empty database, on a login that may create roles. */
  readonly adminUrl: string;
  readonly migrations: readonly (new () => MigrationInterface)[];
  readonly centralMigrations?: readonly (new () => MigrationInterface)[];
  readonly typeorm?: Omit<Partial<PostgresOptions>, 'type' | 'url' | 'migrations'>;
}

/** A database with tenants in it, and the routed data source on it. */
export interface TenantDatabase {
  readonly dataSource: TenantDataSource;
  readonly runtimeUrl: string;
  readonly adminUrl: string;
  readonly isolation: { readonly level: 'path' | 'role'; readonly centralSchema: string };
  /** Makes a tenant with its schema and role. Its id is random, since roles belong to the whole server. */
  createTenant(slug?: string): Promise<Tenant>;
  run<T>(tenant: Tenant, fn: () => T): T;
  /** Closes everything and removes the roles; the database itself is the caller's. */
  close(): Promise<void>;
}

/** Sets a database up the way an application does: confined login, central schema, tenants by migrations. */
export async function startTenantDatabase(options: TenantDatabaseOptions): Promise<TenantDatabase> {
  const { adminUrl, migrations, centralMigrations = [], typeorm = {}, pool } = options;
  const suffix = randomBytes(4).toString('hex');
  const isolation = {
    level: 'role' as const,
    centralSchema: 'tenantry',
    centralRole: `central_${suffix}`,
    ...options.isolation,
  };
  const runtime = { login: `app_${suffix}`, password: randomBytes(12).toString('hex') };
  await setUpDatabase({ adminUrl, runtime, isolation });
  await migrateCentral({ adminUrl, isolation, migrations: centralMigrations });
  const url = new URL(adminUrl);
  url.username = runtime.login;
  url.password = runtime.password;
  const provisioner = new TenantProvisioner(
    () =>
      new TenantDataSource(
        { type: 'postgres', url: adminUrl, poolSize: 2, migrations: [...migrations] },
        { isolation: { ...isolation, level: 'path' } },
      ),
    { level: isolation.level, runtimeLogin: runtime.login },
  );
  const dataSource = await new TenantDataSource(
    { poolSize: 10, ...typeorm, type: 'postgres', url: url.href },
    { isolation, ...(pool && { pool }) },
  ).initialize();
  const roles = isolation.level === 'role' ? [runtime.login, isolation.centralRole] : [runtime.login];
  return {
    dataSource,
    runtimeUrl: url.href,
    adminUrl,
    isolation,
    createTenant: async (slug) => {
      const id = randomUUID();
      const tenant = snapshotTenant({
        id,
        slug: slug ?? `t-${id.slice(0, 8)}`,
        name: slug ?? id,
        schema: schemaNameFor(id),
        tier: 'starter',
        placement: { cluster: 'default' },
        generation: 1,
        metadata: {},
      });
      await provisioner.apply(tenant);
      if (isolation.level === 'role') roles.push(tenant.schema);
      return tenant;
    },
    run: (tenant, fn) => TenantContext.run(tenant, fn),
    close: async () => {
      if (dataSource.isInitialized) await dataSource.destroy();
      await provisioner.close();
      await dropRoles(adminUrl, roles);
    },
  };
}

async function dropRoles(adminUrl: string, roles: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (const role of roles) {
      await client.query(`DROP OWNED BY "${role}"`);
      await client.query(`DROP ROLE "${role}"`);
    }
  } finally {
    await client.end();
  }
}
