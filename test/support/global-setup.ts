import { randomUUID } from 'node:crypto';
import { startTestPostgres, type TestPostgres } from '../../libs/dev-servers/src/testing/index.ts';

/** Jest loads setup and teardown apart from each other; only the global object is common to both. */
export interface WithTestPostgres {
  tenantryTestPostgres?: TestPostgres;
}

/** Starts one PostgreSQL for all workers. Runs outside Jest's resolver, hence the `.ts` specifiers. */
export default async function globalSetup(): Promise<void> {
  const postgres = await startTestPostgres();
  (globalThis as WithTestPostgres).tenantryTestPostgres = postgres;
  process.env['TENANTRY_TEST_PG_URL'] = postgres.url;
  process.env['TENANTRY_TEST_RUN'] = randomUUID();
}
