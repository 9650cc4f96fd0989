import pg from 'pg';
import { isSchemaName, TenancyConfigurationError } from '@tenantry/core';
import {
  resolveTenantDataSourceOptions,
  type IsolationOptions,
} from '../datasource/tenant-data-source.options.js';

export interface DatabaseSetupOptions {
  /** A login that may create roles and owns the database, or a superuser. */
  readonly adminUrl: string;
  /** The login of the running application; made, or its password set, by this. */
  readonly runtime: { readonly login: string; readonly password: string };
  readonly isolation?: IsolationOptions;
}

/** Setups of one database go one after the other. */
const SETUP_LOCK = 'tenantry:database-setup';

/**
 * Makes what has to exist before the first tenant: a runtime login that owns nothing and inherits nothing,
 * the central schema and its role, and a database where that login can neither create objects nor
 * change its role inside a statement. Idempotent; one transaction.
 *
 * Roles belong to the whole server: two databases of one server need different names.
 */
export async function setUpDatabase({ adminUrl, runtime, isolation }: DatabaseSetupOptions): Promise<void> {
  const names = resolveTenantDataSourceOptions({ ...(isolation && { isolation }) }).isolation;
  if (!isSchemaName(runtime.login)) {
    throw new TenancyConfigurationError(
      `'${runtime.login}' is no name for a login: a-z, 0-9 and _, at most 63 characters.`,
    );
  }
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'tenantry-setup' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [SETUP_LOCK]);
    await ensureRuntimeLogin(client, runtime);
    if (names.level === 'role') {
      await ensureRole(client, names.centralRole);
      await grantMembership(client, names.centralRole, runtime.login);
    }
    await ensureCentralSchema(
      client,
      names.centralSchema,
      names.level === 'role' ? names.centralRole : runtime.login,
    );
    await confine(client, runtime.login);
    await noticeDisconnects(client, runtime.login);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

/** Something that runs SQL as the admin login: a client, or a query runner. */
export interface AdminSession {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** Makes a role that cannot log in, if it does not exist. */
export async function ensureRole(session: AdminSession, role: string): Promise<void> {
  // CREATE ROLE knows no IF NOT EXISTS; the names were checked against the grammar of schema names.
  await session.query(
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE "${role}" NOLOGIN; END IF; END $$`,
  );
}

/** Lets the login take the role with SET ROLE, and inherit nothing of it. */
export async function grantMembership(session: AdminSession, role: string, login: string): Promise<void> {
  // From 16 on inheritance is a property of the grant; before, of the login, which is NOINHERIT.
  const grant = `format('GRANT %I TO %I', ${pg.escapeLiteral(role)}, ${pg.escapeLiteral(login)})`;
  await session.query(
    `DO $tenantry$ BEGIN
       IF current_setting('server_version_num')::int >= 160000
       THEN EXECUTE ${grant} || ' WITH INHERIT FALSE, SET TRUE';
       ELSE EXECUTE ${grant};
       END IF;
     END $tenantry$`,
  );
}

/** Rights of a role on everything in a schema that the admin login has made, or makes later. */
export async function grantUse(session: AdminSession, schema: string, role: string): Promise<void> {
  const [name, user] = [pg.escapeIdentifier(schema), pg.escapeIdentifier(role)];
  // What is there already is granted once only, so that a migration can take a right away for good.
  await session.query(
    `DO $tenantry$ BEGIN
       IF NOT has_schema_privilege(${pg.escapeLiteral(role)}, ${pg.escapeLiteral(schema)}, 'USAGE') THEN
         GRANT USAGE ON SCHEMA ${name} TO ${user};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name} TO ${user};
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${name} TO ${user};
       END IF;
     END $tenantry$`,
  );
  await session.query(
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${user}`,
  );
  await session.query(
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT USAGE, SELECT ON SEQUENCES TO ${user}`,
  );
}

async function ensureRuntimeLogin(
  client: pg.Client,
  { login, password }: DatabaseSetupOptions['runtime'],
): Promise<void> {
  const { rows } = await client.query<{ is_admin: boolean }>(
    'SELECT rolname = session_user AS is_admin FROM pg_roles WHERE rolname = $1',
    [login],
  );
  if (rows[0]?.is_admin) {
    throw new TenancyConfigurationError(
      `'${login}' is the login of adminUrl: the running application needs another one, which can do less.`,
    );
  }
  const secret = pg.escapeLiteral(password);
  await client.query(
    rows.length > 0
      ? `ALTER ROLE "${login}" LOGIN NOINHERIT PASSWORD ${secret}`
      : `CREATE ROLE "${login}" LOGIN NOINHERIT PASSWORD ${secret}`,
  );
}

async function ensureCentralSchema(client: pg.Client, schema: string, role: string): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
  await grantUse(client, schema, role);
}

/**
 * Takes away what PostgreSQL gives to everybody. `set_config` goes because one SELECT could change the role
 * with it; the runtime login keeps it for the binding, and a tenant's role does not have it. The procedural
 * languages go because one DO block could; functions written in them run as ever. Only a superuser can take
 * these away: elsewhere the isolation doctor reports them.
 */
async function confine(client: pg.Client, login: string): Promise<void> {
  const { rows } = await client.query<{ name: string; login: string }>(
    'SELECT current_database() AS name, current_user AS login',
  );
  const database = pg.escapeIdentifier(rows[0]!.name);
  const admin = pg.escapeIdentifier(rows[0]!.login);
  await client.query(`REVOKE CREATE, TEMPORARY ON DATABASE ${database} FROM PUBLIC`);
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO "${login}"`);
  await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
  const setConfig = 'FUNCTION pg_catalog.set_config(text, text, boolean)';
  await client.query(`GRANT EXECUTE ON ${setConfig} TO ${admin}, "${login}"`);
  await client.query(`REVOKE EXECUTE ON ${setConfig} FROM PUBLIC`);
  const languages = await client.query<{ name: string }>(
    'SELECT lanname AS name FROM pg_language WHERE lanpltrusted AND laninline <> 0',
  );
  for (const { name } of languages.rows) {
    const language = `LANGUAGE ${pg.escapeIdentifier(name)}`;
    await client.query(`GRANT USAGE ON ${language} TO ${admin}`);
    await client.query(`REVOKE USAGE ON ${language} FROM PUBLIC`);
  }
}

/**
 * A statement whose process has died ends within this time, instead of running on and committing. Some systems
 * cannot watch a connection while a statement runs, and refuse the setting.
 */
async function noticeDisconnects(client: pg.Client, login: string): Promise<void> {
  await client.query('SAVEPOINT notice_disconnects');
  try {
    await client.query(`ALTER ROLE "${login}" SET client_connection_check_interval = '5s'`);
  } catch {
    await client.query('ROLLBACK TO SAVEPOINT notice_disconnects');
  }
}
