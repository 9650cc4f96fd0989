import { createTestDatabase } from '@tenantry/dev-servers/testing';
import {
  startTenantDatabase,
  type TenantDatabase,
  type TenantDatabaseOptions,
} from '@tenantry/typeorm/testing';

/** A database of the suite's own, on the server that Jest started, with the suite's migrations as its tenants' tables. */
export async function openTenantDatabase(
  options: Omit<TenantDatabaseOptions, 'adminUrl'>,
): Promise<TenantDatabase> {
  const database = await createTestDatabase();
  const opened = await startTenantDatabase({ ...options, adminUrl: database.url });
  return {
    ...opened,
    close: async () => {
      await opened.close();
      await database.drop();
    },
  };
}
