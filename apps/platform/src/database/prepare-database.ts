import { migrateCentral, setUpDatabase } from '@tenantry/typeorm';
import { CENTRAL_MIGRATIONS } from '../tenancy/migrations.js';
import type { DatabaseOptions } from '../tenancy/platform-tenancy.module.js';
import { databaseOf, loginOf, passwordOf } from './connection-url.js';
import { databaseNames } from './database-names.js';

/**
 * Brings a database to where the platform can run on it: runtime login, central schema, central tables. Idempotent;
 * instances that start together take turns.
 *
 * @param url of the runtime login, which is made if it does not exist, and gets this password
 */
export async function prepareDatabase(adminUrl: string, url: string): Promise<DatabaseOptions> {
  const { isolation } = databaseNames(databaseOf(adminUrl));
  await setUpDatabase({ adminUrl, runtime: { login: loginOf(url), password: passwordOf(url) }, isolation });
  await migrateCentral({ adminUrl, isolation, migrations: CENTRAL_MIGRATIONS });
  return { url, adminUrl, isolation };
}
