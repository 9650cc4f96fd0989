import { join } from 'node:path';
import { startPostgres, type PostgresServer } from '@tenantry/dev-servers';
import pg from 'pg';
import { demoSecrets, type DemoSecrets } from './demo-secrets.js';
import type { DatabaseOptions } from '../tenancy/platform-tenancy.module.js';
import { withDatabase, withLogin } from './connection-url.js';
import { databaseNames } from './database-names.js';
import { prepareDatabase } from './prepare-database.js';
import { withSession } from './session.js';

const DATABASE = 'tenantry';

export interface EmbeddedDatabase {
  readonly server: PostgresServer;
  readonly secrets: DemoSecrets;
  readonly database: DatabaseOptions;
}

/**
 * Starts the PostgreSQL that lives in `home` and prepares a database in it.
 *
 * @throws {EmbeddedPostgresError | StartError} after the server was stopped, if it had been started
 */
export async function startEmbeddedDatabase(
  home: string,
  log: (line: string) => void,
): Promise<EmbeddedDatabase> {
  // First the server, whose lock on the home keeps a second platform out of everything that follows.
  const server = await startPostgres({ dataDir: join(home, 'postgres'), log });
  try {
    const secrets = await demoSecrets(home);
    await ensureDatabase(server.url);
    const adminUrl = withDatabase(server.url, DATABASE);
    const { runtimeLogin } = databaseNames(DATABASE);
    const database = await prepareDatabase(
      adminUrl,
      withLogin(adminUrl, runtimeLogin, secrets.databasePassword),
    );
    return { server, secrets, database };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function ensureDatabase(url: string): Promise<void> {
  await withSession('Embedded PostgreSQL', url, async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (!rowCount) await session.query(`CREATE DATABASE ${pg.escapeIdentifier(DATABASE)}`);
  });
}
