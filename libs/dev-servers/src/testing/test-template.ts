import { createHash } from 'node:crypto';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { type AdminSession, needEnvironment, resolveAdminUrl, withAdminSession } from './admin-session.ts';
import { cloneUrl } from './clone-url.ts';
import { TestDatabaseError } from './test-database.errors.ts';

/** A database that is prepared once per test run and then copied. */
export interface TestTemplate {
  /** Tells templates of one run apart; one name, one way to prepare. */
  readonly name: string;
  /**
   * Fills the empty database, with every connection closed when it returns. Called once per run, in one of the
   * workers; once more by another worker if it fails.
   */
  prepare(databaseUrl: string): Promise<void>;
}

/**
 * Makes sure that the template's database exists and is whole. All workers ask; one of them prepares while the others
 * wait on an advisory lock. It is prepared under another name and renamed, so that a worker that dies half-way
 * leaves nothing that could be taken for a template.
 *
 * @returns the name of the database to copy.
 */
export async function ensureTemplate(
  session: AdminSession,
  adminUrl: string,
  template: TestTemplate,
): Promise<string> {
  const name = templateDatabase(template.name);
  const lock = `hashtext('tenantry-test-template'), hashtext(${escapeLiteral(name)})`;
  await session.query(`select pg_advisory_lock(${lock})`);
  try {
    const { rows } = await session.query('select from pg_database where datname = $1', [name]);
    if (rows.length === 0) await build(session, adminUrl, template, name);
    return name;
  } finally {
    await session.query(`select pg_advisory_unlock(${lock})`);
  }
}

async function build(
  session: AdminSession,
  adminUrl: string,
  template: TestTemplate,
  name: string,
): Promise<void> {
  const unfinished = `${name}_new`;
  const [from, to] = [escapeIdentifier(unfinished), escapeIdentifier(name)];
  await session.query(`drop database if exists ${from} with (force)`);
  await session.query(`create database ${from}`);
  try {
    await template.prepare(cloneUrl(adminUrl, { database: unfinished }));
    // Nobody may connect to a template: a forgotten session would block every copy of it.
    await session.query(`alter database ${from} with allow_connections false`);
    await session.query(`alter database ${from} rename to ${to}`);
  } catch (cause) {
    await session.query(`drop database if exists ${from} with (force)`).catch(() => {});
    throw new TestDatabaseError(
      'TEST_DATABASE_TEMPLATE_FAILED',
      `The test template '${template.name}' could not be prepared: ${(cause as Error).message}. If it is still being ` +
        'accessed, prepare() has left connections open.',
      cause,
    );
  }
}

/**
 * Drops the templates of this run. For Jest's globalTeardown; needed on a server that outlives the run.
 *
 * @param adminUrl default: `TENANTRY_TEST_PG_URL`.
 */
export async function dropTestTemplates(adminUrl?: string): Promise<void> {
  await withAdminSession(resolveAdminUrl(adminUrl), async (session) => {
    const { rows } = await session.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [runPrefix()],
    );
    for (const { datname } of rows)
      await session.query(`drop database if exists ${escapeIdentifier(datname)}`);
  });
}

/** The run's token is in the name: an external server may hold templates of older code. */
function templateDatabase(name: string): string {
  return runPrefix() + digest(name);
}

function runPrefix(): string {
  return `tenantry_template_${digest(needEnvironment('TENANTRY_TEST_RUN'))}_`;
}

/** Any text as part of an identifier, which may have 63 bytes in all. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
