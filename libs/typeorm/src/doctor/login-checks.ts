import { BOTH, id, listed, ROLE, statements, type Check } from './check.js';
import type { IsolationFinding } from './finding.js';

interface LoginFacts {
  readonly attributes: readonly string[];
  readonly inherits: readonly string[];
  readonly predefined: readonly string[];
  readonly owns: number;
  readonly creates_in_database: boolean;
  readonly temporary: boolean;
}

/** Only the first objects owned are counted: a login that owns some may own all. */
const COUNTED_OBJECTS = 1_000;

const LOGIN_FACTS = `
  WITH me AS (SELECT * FROM pg_roles WHERE rolname = session_user)
  SELECT
    array_remove(ARRAY[
      CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
      CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
      CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) AS attributes,
    -- From 16 on inheritance is a property of the membership, before of the login.
    ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
          WHERE m.member = me.oid AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, me.rolinherit)
          LIMIT 6) AS inherits,
    ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname LIKE 'pg\\_%' AND NOT me.rolsuper
          AND pg_has_role(me.oid, r.oid, 'MEMBER') ORDER BY 1) AS predefined,
    (SELECT count(*)::int FROM (
       SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = me.oid AND d.deptype = 'o'
         AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       LIMIT ${COUNTED_OBJECTS}) owned) AS owns,
    has_database_privilege(session_user, current_database(), 'CREATE') AS creates_in_database,
    has_database_privilege(session_user, current_database(), 'TEMPORARY') AS temporary
  FROM me`;

/** What the runtime login itself may do. Reads the login's own rows of the catalogs, and its memberships once. */
export const loginRights: Check = {
  levels: ROLE,
  async inspect(session, { login, database }) {
    const [facts] = await session.query<LoginFacts>(LOGIN_FACTS);
    if (!facts) return [];
    const { attributes, inherits, predefined, owns } = facts;
    const findings: (IsolationFinding | false)[] = [
      attributes.length > 0 && {
        code: 'LOGIN_ATTRIBUTES',
        severity: 'breaks',
        what: `'${login}' is ${attributes.join(', ')}`,
        remedy: attributes.includes('SUPERUSER')
          ? 'this is the admin login of a server; use another one as url: setUpDatabase({ adminUrl, runtime: { login, password } }) makes it'
          : `ALTER ROLE ${id(login)} ${attributes.map((attribute) => `NO${attribute}`).join(' ')}`,
      },
      inherits.length > 0 && {
        code: 'LOGIN_INHERITS',
        severity: 'breaks',
        what: `'${login}' inherits the rights of ${listed(inherits)}, also without SET ROLE`,
        remedy:
          `ALTER ROLE ${id(login)} NOINHERIT; from PostgreSQL 16 on also: ` +
          statements(inherits, (role) => `GRANT ${id(role)} TO ${id(login)} WITH INHERIT FALSE`),
      },
      predefined.length > 0 && {
        code: 'LOGIN_PREDEFINED_ROLES',
        severity: 'breaks',
        what: `'${login}' is a member of ${predefined.join(', ')}`,
        remedy: `REVOKE ${predefined.join(', ')} FROM ${id(login)}`,
      },
      owns > 0 && {
        code: 'LOGIN_OWNS_OBJECTS',
        severity: 'breaks',
        what: `'${login}' owns ${owns}${owns === COUNTED_OBJECTS ? ' or more' : ''} objects, and owners may do anything with them`,
        remedy: `REASSIGN OWNED BY ${id(login)} TO <the admin login>`,
      },
      facts.creates_in_database && {
        code: 'LOGIN_CREATES_IN_DATABASE',
        severity: 'breaks',
        what: `'${login}' may create schemas in database '${database}'`,
        remedy: `REVOKE CREATE ON DATABASE ${id(database)} FROM PUBLIC, ${id(login)}`,
      },
      facts.temporary && {
        code: 'LOGIN_CREATES_TEMPORARY',
        severity: 'breaks',
        what: `'${login}' may create temporary tables and functions in database '${database}'`,
        remedy: `REVOKE TEMPORARY ON DATABASE ${id(database)} FROM PUBLIC, ${id(login)}`,
      },
    ];
    return findings.filter((finding) => finding !== false);
  },
};

/** Two rows by index, and the handful of procedural languages. */
export const publicTools: Check = {
  levels: ROLE,
  async inspect(session, { login }) {
    const [open] = await session.query<{ set_config: boolean; languages: readonly string[] }>(
      `
      SELECT EXISTS (SELECT FROM pg_proc p WHERE p.oid = $1::regprocedure
               AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))) AS set_config,
             ARRAY(SELECT l.lanname::text FROM pg_language l WHERE l.lanpltrusted AND l.laninline <> 0
               AND (l.lanacl IS NULL OR EXISTS (SELECT FROM aclexplode(l.lanacl) a WHERE a.grantee = 0))
               ORDER BY 1) AS languages`,
      // As a parameter: a lease would take the name in the text for a call, and end its connection.
      ['pg_catalog.set_config(text,text,boolean)'],
    );
    const setConfig = 'FUNCTION pg_catalog.set_config(text, text, boolean)';
    const findings: (IsolationFinding | false)[] = [
      open?.set_config === true && {
        code: 'SET_CONFIG_PUBLIC',
        severity: 'weakens',
        what: 'set_config() may be called by everybody, so one injected SELECT can change the role',
        remedy: `as a superuser: GRANT EXECUTE ON ${setConfig} TO ${id(login)}, <the admin login>; REVOKE EXECUTE ON ${setConfig} FROM PUBLIC`,
      },
      open !== undefined &&
        open.languages.length > 0 && {
          code: 'LANGUAGE_PUBLIC',
          severity: 'weakens',
          what: `DO blocks in ${open.languages.join(', ')} may be run by everybody, so one statement can change the role`,
          remedy: `as a superuser: ${statements(open.languages, (name) => `GRANT USAGE ON LANGUAGE ${id(name)} TO <the admin login>; REVOKE USAGE ON LANGUAGE ${id(name)} FROM PUBLIC`)}`,
        },
    ];
    return findings.filter((finding) => finding !== false);
  },
};

interface WritableSchema {
  readonly schema: string;
  readonly grantee: string | null;
  readonly own: boolean;
}

/** CREATE for whoever statements run as: everybody, the login, or a role it may take. Reads `pg_namespace` once. */
export const writableSchemas: Check = {
  levels: BOTH,
  async inspect(session, { login }) {
    const found = await session.query<WritableSchema>(
      `WITH taken AS MATERIALIZED (SELECT m.roleid AS role FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
                                   WHERE r.rolname = session_user),
       writable AS (
         SELECT n.nspname::text AS schema, r.rolname::text AS grantee, n.nspname = r.rolname AS own
         FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
         WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
           AND (a.grantee = 0 OR r.rolname = session_user OR a.grantee IN (SELECT role FROM taken)))
       (SELECT schema, grantee, coalesce(own, false) AS own FROM writable WHERE own IS NOT TRUE LIMIT 6)
       UNION ALL (SELECT schema, grantee, own FROM writable WHERE own LIMIT 6)`,
    );
    const shared = found.filter(({ own }) => !own);
    const own = found.filter(({ own: isOwn }) => isOwn);
    const revoke = (writable: readonly WritableSchema[]): string =>
      statements(
        writable.map(
          ({ schema, grantee }) => `${id(schema)} FROM ${grantee === null ? 'PUBLIC' : id(grantee)}`,
        ),
        (what) => `REVOKE CREATE ON SCHEMA ${what}`,
      );
    const findings: (IsolationFinding | false)[] = [
      shared.length > 0 && {
        code: 'SHARED_SCHEMA_WRITABLE',
        severity: 'breaks',
        what: `'${login}', or a role that it takes, may create objects in ${listed(shared.map(({ schema }) => schema))}`,
        remedy: revoke(shared),
      },
      own.length > 0 && {
        code: 'TENANT_SCHEMA_WRITABLE',
        severity: 'weakens',
        what: `tenants may create objects in their own schemas (${listed(own.map(({ schema }) => schema))}), such as triggers that run with the rights of whoever touches the table`,
        remedy: revoke(own),
      },
    ];
    return findings.filter((finding) => finding !== false);
  },
};
