import { createHmac } from 'node:crypto';
import type pg from 'pg';
import { StartError } from '../start/start.error.js';
import { CENTRAL_MIGRATIONS } from '../tenancy/migrations.js';
import type { DatabaseOptions } from '../tenancy/platform-tenancy.module.js';
import { databaseOf, loginOf, passwordOf, withLogin } from './connection-url.js';
import { databaseNames, type DatabaseNames } from './database-names.js';
import { prepareDatabase } from './prepare-database.js';
import { withSession } from './session.js';
import { preparationSql } from './preparation-sql.js';

const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Prepares a database that somebody else runs, with what its connection strings allow:
 * - both given: the admin one prepares it for the runtime one;
 * - one given, whose login may create roles: it becomes the admin, and a least-privilege login is made beside it;
 * - one given, whose login may not: the database must have been prepared.
 *
 * @throws {StartError} when no connection can be had, or rights are missing; then with the SQL that gives them
 */
export async function prepareExternalDatabase(
  { url, adminUrl }: { readonly url: string; readonly adminUrl: string | undefined },
  jwtSecret: string,
): Promise<DatabaseOptions> {
  if (adminUrl !== undefined) {
    await refuseUnusableLogin(adminUrl, url);
    return prepared('DATABASE_ADMIN_URL', adminUrl, url);
  }
  const names = databaseNames(databaseOf(url));
  if (await withSession('DATABASE_URL', url, mayCreateRoles)) {
    const password = runtimePassword(jwtSecret, names.runtimeLogin);
    return prepared('DATABASE_URL', url, withLogin(url, names.runtimeLogin, password));
  }
  if (await withSession('DATABASE_URL', url, (session) => isPrepared(session, names))) {
    return { url, isolation: names.isolation };
  }
  throw notAllowed(
    'DATABASE_URL',
    url,
    'may not create roles, and nothing is prepared for it in the database yet',
  );
}

async function prepared(source: string, adminUrl: string, url: string): Promise<DatabaseOptions> {
  try {
    return await prepareDatabase(adminUrl, url);
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    throw notAllowed(source, adminUrl, `lacks a right (${(error as Error).message})`, error);
  }
}

/** An existing login with another password must not be changed by a slip in a variable. */
async function refuseUnusableLogin(adminUrl: string, url: string): Promise<void> {
  if (passwordOf(url) === '') {
    throw new StartError('DATABASE_URL must carry a password when DATABASE_ADMIN_URL is set.');
  }
  const exists = await withSession('DATABASE_ADMIN_URL', adminUrl, async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_roles WHERE rolname = $1', [loginOf(url)]);
    return rowCount === 1;
  });
  if (exists) await withSession('DATABASE_URL', url, (session) => session.query('SELECT 1'));
}

async function mayCreateRoles(session: pg.Client): Promise<boolean> {
  const { rows } = await session.query<{ may: boolean }>(
    'SELECT rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user',
  );
  return rows[0]?.may === true;
}

/** Whether this login can take the central role, and the newest central migration has run. */
async function isPrepared(session: pg.Client, { isolation }: DatabaseNames): Promise<boolean> {
  const { rowCount } = await session.query(
    `SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER')`,
    [isolation.centralRole],
  );
  if (!rowCount) return false;
  await session.query(`SET ROLE "${isolation.centralRole}"`);
  const history = `${isolation.centralSchema}.migrations`;
  const { rows } = await session.query<{ readable: boolean | null }>(
    `SELECT has_table_privilege(to_regclass($1), 'SELECT') AS readable`,
    [history],
  );
  if (!rows[0]?.readable) return false;
  const names = CENTRAL_MIGRATIONS.map(({ name }) => name);
  const ran = await session.query(`SELECT FROM ${history} WHERE name = ANY ($1)`, [names]);
  return ran.rowCount === names.length;
}

/** The same for all instances that share the secret; worth nothing without it. */
function runtimePassword(jwtSecret: string, login: string): string {
  return createHmac('sha256', jwtSecret).update(`tenantry runtime login ${login}`).digest('base64url');
}

function notAllowed(source: string, url: string, what: string, cause?: unknown): StartError {
  return new StartError(
    `${source}: '${loginOf(url)}' ${what}.\n` +
      `Run this as a superuser in database '${databaseOf(url)}' and start again:\n\n${preparationSql(url)}`,
    cause,
  );
}

function sqlState(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
