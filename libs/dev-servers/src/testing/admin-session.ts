import { Client } from 'pg';
import { TestDatabaseError } from './test-database.errors.ts';

/** The connection URL for making and dropping databases: the one given, else `TENANTRY_TEST_PG_URL`. */
export function resolveAdminUrl(adminUrl: string | undefined): string {
  return adminUrl ?? needEnvironment('TENANTRY_TEST_PG_URL');
}

/** A variable that Jest's global setup sets. */
export function needEnvironment(name: 'TENANTRY_TEST_PG_URL' | 'TENANTRY_TEST_RUN'): string {
  const value = process.env[name];
  if (value) return value;
  throw new TestDatabaseError(
    'TEST_DATABASE_NOT_CONFIGURED',
    `${name} is not set. Set it in Jest's globalSetup, as the README of @tenantry/dev-servers shows` +
      `${name === 'TENANTRY_TEST_PG_URL' ? ', or pass adminUrl' : ''}.`,
  );
}

/** What is asked of a connection; the driver's own types stay out of our declarations. */
export interface AdminSession {
  query<Row extends Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[] }>;
}

/** Runs `work` on a connection of its own, closed afterwards. */
export async function withAdminSession<T>(
  adminUrl: string,
  work: (session: AdminSession) => Promise<T>,
): Promise<T> {
  const session = new Client({ connectionString: adminUrl, application_name: 'tenantry-test-admin' });
  // A connection that breaks between statements fails the next one; that error is the one to show.
  session.on('error', () => {});
  await session.connect();
  try {
    return await work({ query: (text, values = []) => session.query(text, [...values]) });
  } finally {
    await session.end();
  }
}
