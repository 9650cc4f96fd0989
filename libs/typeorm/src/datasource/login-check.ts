import { TenancyError } from '@tenantry/core';
import type pg from 'pg';

/** One way in which the runtime login could get around the roles of tenants. */
export interface LoginFinding {
  readonly what: string;
  readonly remedy: string;
  /** `breaks`: the application does not start; `weakens`: it starts, and says so. */
  readonly severity: 'breaks' | 'weakens';
}

/** The runtime login could reach other tenants by itself, so roles would isolate nothing. */
export class LoginNotConfinedError extends TenancyError {
  constructor(readonly findings: readonly LoginFinding[]) {
    super({
      code: 'RUNTIME_LOGIN_NOT_CONFINED',
      kind: 'internal',
      message:
        'The runtime login can by-pass the isolation of tenants:\n' +
        findings.map(({ what, remedy }) => `  - ${what}. Remedy: ${remedy}`).join('\n') +
        "\nUse another login (see setUpDatabase), or say isolation: { level: 'path' } if you accept it.",
    });
  }
}

interface LoginFacts {
  readonly login: string;
  readonly database: string;
  readonly attributes: readonly string[];
  readonly inherits: readonly string[];
  readonly predefined: readonly string[];
  readonly owns: number;
  readonly creates_in_database: boolean;
  readonly temporary: boolean;
  readonly creates_in: readonly string[];
  readonly public_set_config: boolean;
}

const FACTS = `
  WITH me AS (SELECT * FROM pg_roles WHERE rolname = session_user)
  SELECT session_user::text AS login, current_database()::text AS database,
    array_remove(ARRAY[
      CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
      CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
      CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) AS attributes,
    ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
          WHERE m.member = me.oid AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, me.rolinherit)
          ORDER BY 1 LIMIT 5) AS inherits,
    ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname LIKE 'pg\\_%' AND NOT me.rolsuper
          AND pg_has_role(me.oid, r.oid, 'MEMBER') ORDER BY 1) AS predefined,
    (SELECT count(*)::int FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = me.oid
       AND d.deptype = 'o' AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS owns,
    has_database_privilege(current_database(), 'CREATE') AS creates_in_database,
    has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
    ARRAY(SELECT nspname::text FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'CREATE') ORDER BY 1 LIMIT 5) AS creates_in,
    EXISTS (SELECT FROM pg_proc p WHERE p.oid = 'pg_catalog.set_config(text,text,boolean)'::regprocedure
            AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))) AS public_set_config
  FROM me`;

/** What PostgreSQL says about the login of this session, against what a confined one looks like. */
export async function inspectLogin(session: Pick<pg.Pool, 'query'>): Promise<readonly LoginFinding[]> {
  const { rows } = await session.query<LoginFacts>(FACTS);
  return rows[0] ? findingsOf(rows[0]) : [];
}

function findingsOf(facts: LoginFacts): readonly LoginFinding[] {
  const { login, database } = facts;
  const findings: (LoginFinding | false)[] = [
    facts.attributes.length > 0 && {
      what: `'${login}' is ${facts.attributes.join(', ')}`,
      remedy: `ALTER ROLE "${login}" ${facts.attributes.map((attribute) => `NO${attribute}`).join(' ')}`,
      severity: 'breaks',
    },
    facts.inherits.length > 0 && {
      what: `'${login}' inherits the rights of ${facts.inherits.join(', ')}, also without SET ROLE`,
      remedy: `ALTER ROLE "${login}" NOINHERIT; from PostgreSQL 16 on also: GRANT <role> TO "${login}" WITH INHERIT FALSE`,
      severity: 'breaks',
    },
    facts.predefined.length > 0 && {
      what: `'${login}' is a member of ${facts.predefined.join(', ')}`,
      remedy: `REVOKE ${facts.predefined.join(', ')} FROM "${login}"`,
      severity: 'breaks',
    },
    facts.owns > 0 && {
      what: `'${login}' owns ${facts.owns} objects, and owners may do anything with them`,
      remedy: `REASSIGN OWNED BY "${login}" TO <the admin login>`,
      severity: 'breaks',
    },
    facts.creates_in_database && {
      what: `'${login}' may create schemas in database '${database}'`,
      remedy: `REVOKE CREATE ON DATABASE "${database}" FROM PUBLIC, "${login}"`,
      severity: 'breaks',
    },
    facts.creates_in.length > 0 && {
      what: `'${login}' may create objects in ${facts.creates_in.join(', ')}`,
      remedy: `REVOKE CREATE ON SCHEMA ${facts.creates_in.join(', ')} FROM PUBLIC, "${login}"`,
      severity: 'breaks',
    },
    facts.temporary && {
      what: `'${login}' may create temporary tables and functions in database '${database}'`,
      remedy: `REVOKE TEMPORARY ON DATABASE "${database}" FROM PUBLIC, "${login}"`,
      severity: 'breaks',
    },
    facts.public_set_config && {
      what: 'set_config() may be called by everybody, so one injected SELECT can change the role',
      remedy: `as a superuser: REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC; GRANT EXECUTE ON … TO "${login}"`,
      severity: 'weakens',
    },
  ];
  return findings.filter((finding) => finding !== false);
}
