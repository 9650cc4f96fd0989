import { BOTH, EXAMPLES, id, listed, ROLE, statements, tenantSchemas, type Check } from './check.js';
import type { IsolationFinding } from './finding.js';

interface Power {
  readonly role: string;
  readonly powers: readonly string[];
  readonly member_of: readonly string[];
}

/** What the roles of tenants may do besides using their schema. By index: the login's memberships, and each role's. */
export const tenantRoles: Check = {
  levels: ROLE,
  async inspect(session) {
    const found = await session.query<Power>(`
      WITH role AS (
        SELECT r.*, ARRAY(SELECT g.rolname::text FROM pg_auth_members x JOIN pg_roles g ON g.oid = x.roleid
                          WHERE x.member = r.oid LIMIT 3) AS member_of
        FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
        WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = session_user))
      SELECT DISTINCT rolname::text AS role, member_of,
        array_remove(ARRAY[
          CASE WHEN rolcanlogin THEN 'LOGIN' END, CASE WHEN rolsuper THEN 'SUPERUSER' END,
          CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
          CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) AS powers
      FROM role
      WHERE rolname !~ '^pg_' AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
        OR rolbypassrls OR cardinality(member_of) > 0)
      LIMIT ${EXAMPLES + 1}`);
    if (found.length === 0) return [];
    const described = found.map(({ role, powers, member_of }) =>
      [
        `'${role}'`,
        powers.length > 0 && `has ${powers.join(', ')}`,
        member_of.length > 0 && `is a member of ${member_of.join(', ')}`,
      ]
        .filter(Boolean)
        .join(' '),
    );
    const mended = found.map(({ role, powers, member_of }) =>
      [
        powers.length > 0 && `ALTER ROLE ${id(role)} ${powers.map((power) => `NO${power}`).join(' ')}`,
        member_of.length > 0 && `REVOKE ${member_of.map(id).join(', ')} FROM ${id(role)}`,
      ]
        .filter(Boolean)
        .join('; '),
    );
    return [
      {
        code: 'TENANT_ROLE_POWERS',
        severity: 'breaks',
        what: `roles that tenants' statements run as can do more than use their schema: ${listed(described)}`,
        remedy: statements(mended, (statement) => statement),
      },
    ];
  },
};

/**
 * Rights on a tenant's schema, or on the central one, for those who must not have them: everybody, the login
 * itself, another tenant. `USAGE` on the schema is the wall: without it no right on a table counts. Reads the
 * entries of these schemas in `pg_namespace` once.
 */
export const openSchemas: Check = {
  levels: ROLE,
  async inspect(session, { level, centralSchema, extensionSchemas }) {
    const found = await session.query<{ schema: string; grantee: string | null }>(
      `WITH ${tenantSchemas(level)},
       guarded AS (SELECT oid, nspname, nspacl, nspowner, role FROM tenant
                   UNION ALL SELECT oid, nspname, nspacl, nspowner, NULL FROM pg_namespace WHERE nspname = $1)
       SELECT g.nspname::text AS schema, r.rolname::text AS grantee
       FROM guarded g CROSS JOIN LATERAL aclexplode(g.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
       WHERE a.grantee <> g.nspowner AND a.grantee IS DISTINCT FROM g.role
         AND (a.grantee = 0 OR r.rolname = session_user OR a.grantee IN (SELECT role FROM tenant)
              OR (g.role IS NOT NULL AND a.grantee IN (SELECT m.roleid FROM pg_auth_members m
                    WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = session_user))))
       LIMIT ${EXAMPLES + 1}`,
      [centralSchema, extensionSchemas],
    );
    if (found.length === 0) return [];
    return [
      {
        code: 'SCHEMA_OPEN_TO_OTHERS',
        severity: 'breaks',
        what: `others than its own role may use ${listed(found.map(({ schema, grantee }) => `'${schema}' (${to(grantee)})`))}`,
        remedy: statements(
          found.map(({ schema, grantee }) => `${id(schema)} FROM ${to(grantee)}`),
          (what) => `REVOKE ALL ON SCHEMA ${what}`,
        ),
      },
    ];
  },
};

const to = (grantee: string | null): string => (grantee === null ? 'PUBLIC' : id(grantee));

/** Not a way in while the schema is closed, but then nothing else is in the way. Reads all of `pg_class`. */
export const openTables: Check = {
  levels: ROLE,
  thorough: true,
  async inspect(session, { level, centralSchema, extensionSchemas }) {
    const found = await session.query<{ name: string }>(
      `WITH ${tenantSchemas(level)}
       SELECT format('%I.%I', t.nspname, c.relname) AS name FROM pg_class c JOIN tenant t ON t.oid = c.relnamespace
       WHERE c.relacl IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
         AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
       LIMIT ${EXAMPLES + 1}`,
      [centralSchema, extensionSchemas],
    );
    if (found.length === 0) return [];
    const names = found.map(({ name }) => name);
    return [
      {
        code: 'TABLE_OPEN_TO_PUBLIC',
        severity: 'weakens',
        what: `everybody has rights on ${listed(names)}, which only the closed schema keeps from being used`,
        remedy: statements(names, (name) => `REVOKE ALL ON ${name} FROM PUBLIC`),
      },
    ];
  },
};

/** Views, defaults, constraints, triggers and columns count as the table they belong to. */
const DEPENDENCIES = `
  relation AS (
    SELECT 'pg_class'::regclass AS class, c.oid, c.relnamespace AS schema, c.relname AS name FROM pg_class c
    UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, c.relnamespace, c.relname FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, c.relnamespace, c.relname FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid, c.relnamespace, c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    UNION ALL SELECT 'pg_trigger'::regclass, g.oid, c.relnamespace, c.relname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.pronamespace, p.proname FROM pg_proc p
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace, t.typname FROM pg_type t)`;

/** What leads out of a tenant's schema: a cloned view or default keeps its template's tables. Reads all of `pg_depend`. */
export const foreignReferences: Check = {
  levels: BOTH,
  thorough: true,
  async inspect(session, { level, centralSchema, extensionSchemas }) {
    const found = await session.query<{ source: string; target: string; tenant: boolean }>(
      `WITH ${tenantSchemas(level)}, ${DEPENDENCIES},
       reference AS (
         SELECT DISTINCT format('%I.%I', s.nspname, r.name) AS source, format('%I.%I', n.nspname, o.name) AS target,
           n.oid IN (SELECT oid FROM tenant) AS tenant
         FROM pg_depend d
         JOIN relation r ON r.class = d.classid AND r.oid = d.objid JOIN tenant s ON s.oid = r.schema
         JOIN relation o ON o.class = d.refclassid AND o.oid = d.refobjid JOIN pg_namespace n ON n.oid = o.schema
         WHERE o.schema <> r.schema AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
           AND n.nspname <> ALL ($2::text[]))
       (SELECT * FROM reference WHERE tenant LIMIT ${EXAMPLES + 1})
       UNION ALL (SELECT * FROM reference WHERE NOT tenant LIMIT ${EXAMPLES + 1})`,
      [centralSchema, extensionSchemas],
    );
    const remedy = 'make the object anew from the migrations of its own schema, and drop this one';
    const describe = (tenant: boolean): string =>
      listed(
        found
          .filter((reference) => reference.tenant === tenant)
          .map(({ source, target }) => `${source} → ${target}`),
      );
    const findings: (IsolationFinding | false)[] = [
      found.some(({ tenant }) => tenant) && {
        code: 'REFERENCE_TO_OTHER_TENANT',
        severity: 'breaks',
        what: `objects of one tenant use another tenant's: ${describe(true)}`,
        remedy,
      },
      found.some(({ tenant }) => !tenant) && {
        code: 'REFERENCE_OUT_OF_TENANT',
        severity: 'weakens',
        what: `objects of tenants use what is everybody's: ${describe(false)}`,
        remedy,
      },
    ];
    return findings.filter((finding) => finding !== false);
  },
};
