import { TenantContext } from '@tenantry/core';
import type { MigrationInterface } from 'typeorm';
import { TenantDataSource } from '../datasource/tenant-data-source.js';
import type { IsolationOptions } from '../datasource/tenant-data-source.options.js';
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
