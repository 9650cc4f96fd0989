import { TenancyConfigurationError, TenantContext } from '@tenantry/core';
import type { DataSource, MigrationInterface } from 'typeorm';
import { TenantDataSource } from '../datasource/tenant-data-source.js';
import type { IsolationOptions } from '../datasource/tenant-data-source.options.js';
import { bindingOf, poolOf } from '../datasource/view-binding.js';
import { CreateTenantRegistry1700000000000 } from '../registry-store/create-tenant-registry.migration.js';

export interface CentralMigrationOptions {
  readonly adminUrl: string;
  readonly isolation?: IsolationOptions;
  /** The application's own central migrations, which run after those of the registry. */
  readonly migrations?: readonly (new () => MigrationInterface)[];
}

/** The same text in every process. */
const MIGRATION_LOCK = 'tenantry:central-migrations';

/**
 * Brings the central schema up to date: the registry's tables and the application's. One transaction;
 * processes that start together go one after the other.
 *
 * @returns names of the migrations that ran
 */
export async function migrateCentral({
  adminUrl,
  isolation,
  migrations = [],
}: CentralMigrationOptions): Promise<readonly string[]> {
  const admin = new TenantDataSource(
    {
      type: 'postgres',
      url: adminUrl,
      poolSize: 2,
      applicationName: 'tenantry-admin',
      migrations: [CreateTenantRegistry1700000000000, ...migrations],
    },
    { isolation: { ...isolation, level: 'path' } },
  );
  await admin.initialize();
  try {
    await refuseWithoutSchema(admin, admin.views.central());
    return await TenantContext.runCentral(async () => {
      const lock = admin.createQueryRunner();
      try {
        await lock.startTransaction();
        await lock.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [MIGRATION_LOCK]);
        const ran = await admin.runMigrations({ transaction: 'all' });
        await lock.commitTransaction();
        return ran.map(({ name }) => name);
      } finally {
        await lock.release();
      }
    });
  } finally {
    await admin.destroy();
  }
}

async function refuseWithoutSchema(admin: TenantDataSource, central: DataSource): Promise<void> {
  const schema = bindingOf(central)!.schema;
  const { rows } = await poolOf(admin).query<{ exists: boolean }>(
    'SELECT to_regnamespace($1) IS NOT NULL AS exists',
    [schema],
  );
  if (rows[0]?.exists) return;
  throw new TenancyConfigurationError(
    `There is no schema '${schema}' in the database. Call setUpDatabase() before migrateCentral(), with the same isolation.`,
  );
}
