import { randomBytes } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import { type AdminSession, resolveAdminUrl, withAdminSession } from './admin-session.ts';
import { cloneUrl } from './clone-url.ts';
import { TestDatabaseError } from './test-database.errors.ts';
import { ensureTemplate, type TestTemplate } from './test-template.ts';

/** What {@link createTestDatabase} may be told. */
export interface TestDatabaseOptions {
  /** Connects somebody who may create databases. Default: `TENANTRY_TEST_PG_URL` from the environment. */
  readonly adminUrl?: string;
  /** Prepared once per run and copied, instead of an empty database. Needs `TENANTRY_TEST_RUN`. */
  readonly template?: TestTemplate;
  /** The role that owns the database (not what a template put into it). Default: the role of `adminUrl`. */
  readonly owner?: string;
}

/** A database for one test or suite. */
export interface TestDatabase {
  /** Connects the user of `adminUrl`; see {@link cloneUrl} for others. */
  readonly url: string;
  readonly name: string;
  /**
   * Drops the database. Sessions still open after five seconds are a leak: they are ended, the database is
   * dropped all the same, and the leak is reported. Idempotent.
   *
   * @throws {TestDatabaseError} `TEST_DATABASE_IN_USE`, listing the sessions.
   */
  drop(): Promise<void>;
}

/**
 * Creates a database with a name nobody else has. Safe to call from many workers at once.
 *
 * Roles are not part of it: they belong to the whole server, shared by all workers. Give a role of a test a name of
 * its own, and drop it after the database.
 *
 * @throws {TestDatabaseError} when the environment is not set up, or the template cannot be prepared.
 * @example
 * ```ts
 * const database = await createTestDatabase({ template: { name: 'orders', prepare: migrate } });
 * // ... tests use database.url ...
 * await database.drop();
 * ```
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const adminUrl = resolveAdminUrl(options.adminUrl);
  const name = `tenantry_test_${randomBytes(8).toString('hex')}`;
  await withAdminSession(adminUrl, async (session) => {
    const clauses = [];
    if (options.template) {
      clauses.push(`template ${escapeIdentifier(await ensureTemplate(session, adminUrl, options.template))}`);
    }
    if (options.owner !== undefined) clauses.push(`owner ${escapeIdentifier(options.owner)}`);
    await session.query(`create database ${escapeIdentifier(name)} ${clauses.join(' ')}`);
  });
  return {
    url: cloneUrl(adminUrl, { database: name }),
    name,
    drop: () => withAdminSession(adminUrl, (session) => dropDatabase(session, name)),
  };
}

const OBJECT_IN_USE = '55006';

async function dropDatabase(session: AdminSession, name: string): Promise<void> {
  try {
    // Without FORCE: PostgreSQL waits five seconds for sessions to end, time enough for those being closed.
    await session.query(`drop database if exists ${escapeIdentifier(name)}`);
  } catch (error) {
    if ((error as { code?: string }).code !== OBJECT_IN_USE) throw error;
    const sessions = await describeSessions(session, name);
    await session.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
    throw new TestDatabaseError(
      'TEST_DATABASE_IN_USE',
      `${sessions.length} session(s) were still connected to ${name} five seconds after drop() was called: ` +
        `${sessions.join('; ')}. Something the test opened was not closed. They were ended and the database dropped.`,
      error,
    );
  }
}

/** Of a query only its first word: the rest may hold anything. */
async function describeSessions(session: AdminSession, name: string): Promise<string[]> {
  const { rows } = await session.query<{ description: string }>(
    `select format('application %s, %s, last query %s', coalesce(nullif(application_name, ''), '(unnamed)'),
            coalesce(state, backend_type), coalesce(upper(substring(query from '[[:alpha:]]+')), '(none)')) as description
       from pg_stat_activity where datname = $1`,
    [name],
  );
  return rows.map(({ description }) => description);
}
