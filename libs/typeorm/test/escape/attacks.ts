import type { IsolationLevel } from '../../src/datasource/tenant-data-source.options.js';

/** What hostile SQL in the context of `a` knows about the other tenant. */
export interface Target {
  /** Schemas; at level `role` also the roles of that name. */
  readonly a: string;
  readonly b: string;
  readonly login: string;
  /** Another session of the same login, as another process of the application would have. */
  readonly peerPid: number;
  /** A large object of the other tenant. */
  readonly largeObject: number;
}

export type Step = string | { readonly sql: string; readonly parameters: unknown[] };

/**
 * - `LEAK`: something of the other tenant's was read
 * - `WORKS`: it had its effect, which is more than a tenant should have; or, of metadata, it was seen
 * - `nothing`: it ran, and showed and changed nothing of the other tenant's
 * - `n/a`: makes no sense at this level, where tenants have no roles
 * - a SQLSTATE: the server refused with it
 * - `TENANT_ROLE_UNUSABLE`: the engine could not bind the next statement, and did not send it
 */
export type Verdict =
  | 'LEAK'
  | 'WORKS'
  | 'nothing'
  | 'n/a'
  | '42501' // insufficient_privilege
  | '42601' // syntax_error: more than one statement
  | '42P01' // undefined_table
  | '25001' // active_sql_transaction
  | 'TENANT_ROLE_UNUSABLE';

export interface Attack {
  readonly name: string;
  readonly steps: (target: Target) => readonly Step[];
  readonly verdicts: Readonly<Record<IsolationLevel, Verdict>>;
}

export interface AttackGroup {
  readonly title: string;
  /** Attacks on rows are judged by whether a row was seen, others by whether they took effect. */
  readonly seeks: 'rows' | 'effect';
  readonly attacks: readonly Attack[];
}

type Short = readonly [
  name: string,
  path: Verdict,
  role: Verdict,
  steps: (target: Target) => Step | readonly Step[],
];

function group(title: string, seeks: AttackGroup['seeks'], attacks: readonly Short[]): AttackGroup {
  return {
    title,
    seeks,
    attacks: attacks.map(([name, path, role, steps]) => ({
      name,
      verdicts: { path, role },
      steps: (target) => [steps(target)].flat(),
    })),
  };
}

const stealing = (b: string): string => `SELECT secret FROM "${b}".vault`;
const inXml = (b: string): string => `query_to_xml('${stealing(b)}', true, false, '')::text`;
const asB = (b: string): string => `set_config('role', '${b}', true)`;

/** Every attack, with what it comes to at each level. The tests assert it, and docs/security.md publishes it. */
export const ATTACK_GROUPS: readonly AttackGroup[] = [
  group('An expression injected into one statement', 'rows', [
    [
      'UNION with a qualified name',
      'LEAK',
      '42501',
      ({ b }) => `SELECT secret FROM vault WHERE false UNION ALL ${stealing(b)}`,
    ],
    [
      'subselect with a qualified name',
      'LEAK',
      '42501',
      ({ b }) => `SELECT (SELECT max(secret) FROM "${b}".vault)`,
    ],
    [
      'error message that quotes a row',
      'LEAK',
      '42501',
      ({ b }) => `SELECT (SELECT max(secret) FROM "${b}".vault)::int`,
    ],
    ['view of the other tenant', 'LEAK', '42501', ({ b }) => `SELECT secret FROM "${b}".vault_view`],
    [
      'sequence of the other tenant, read',
      'LEAK',
      '42501',
      ({ b }) => `SELECT last_value FROM "${b}".counter`,
    ],
    [
      'sequence of the other tenant, advanced',
      'LEAK',
      '42501',
      ({ b }) => `SELECT nextval('"${b}".counter')`,
    ],
    [
      '`pg_sequences`',
      'LEAK',
      'nothing',
      ({ b }) => `SELECT last_value FROM pg_sequences WHERE schemaname = '${b}'`,
    ],
    [
      '`pg_stats`, which keeps frequent values',
      'LEAK',
      'nothing',
      ({ b }) => `SELECT most_common_vals::text FROM pg_stats WHERE schemaname = '${b}'`,
    ],
    ['`pg_statistic`', '42501', '42501', () => 'SELECT stavalues1::text FROM pg_statistic'],
    [
      '`pg_stat_activity`, which shows query texts',
      'LEAK',
      'nothing',
      () => 'SELECT query FROM pg_stat_activity',
    ],
    [
      'large object of the other tenant',
      'LEAK',
      '42501',
      ({ largeObject }) => `SELECT convert_from(lo_get(${largeObject}), 'UTF8')`,
    ],
    ['`query_to_xml`', 'LEAK', '42501', ({ b }) => `SELECT ${inXml(b)}`],
    [
      '`query_to_xml_and_xmlschema`',
      'LEAK',
      '42501',
      ({ b }) => `SELECT query_to_xml_and_xmlschema('${stealing(b)}', true, false, '')::text`,
    ],
    [
      '`table_to_xml` by oid, past the schema',
      'LEAK',
      '42501',
      ({ b }) =>
        `SELECT table_to_xml(oid::regclass, true, false, '')::text FROM pg_class WHERE relname = 'vault' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '${b}')`,
    ],
    ['`schema_to_xml`', 'LEAK', '42501', ({ b }) => `SELECT schema_to_xml('${b}', true, false, '')::text`],
    ['`database_to_xml`', 'LEAK', 'nothing', () => `SELECT database_to_xml(true, false, '')::text`],
    [
      '`ts_stat`',
      'LEAK',
      '42501',
      ({ b }) => `SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', secret) FROM "${b}".vault')`,
    ],
    [
      '`ts_rewrite`',
      'LEAK',
      '42501',
      ({ b }) =>
        `SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(''simple'', secret) FROM "${b}".vault LIMIT 1')::text`,
    ],
    [
      '`set_config` of `search_path`, then `query_to_xml`',
      'LEAK',
      '42501',
      ({ b }) =>
        `SELECT set_config('search_path', '${b}', true), query_to_xml('SELECT secret FROM vault', true, false, '')::text`,
    ],
    [
      '`set_config` of `role`, then `query_to_xml`',
      'n/a',
      '42501',
      ({ b }) => `SELECT ${asB(b)}, ${inXml(b)}`,
    ],
    [
      '… in a UNION',
      'n/a',
      '42501',
      ({ b }) => `SELECT secret FROM vault WHERE false UNION ALL SELECT ${asB(b)} || ${inXml(b)}`,
    ],
    [
      '… in a materialised WITH',
      'n/a',
      '42501',
      ({ b }) => `WITH r AS MATERIALIZED (SELECT ${asB(b)} AS x) SELECT x, ${inXml(b)} FROM r`,
    ],
    ['… in ORDER BY', 'n/a', '42501', ({ b }) => `SELECT secret FROM vault ORDER BY ${asB(b)}, ${inXml(b)}`],
    [
      '… in RETURNING',
      'n/a',
      '42501',
      ({ b }) => `INSERT INTO vault VALUES (99, 'x') RETURNING ${asB(b)}, ${inXml(b)}`,
    ],
    [
      '… in WHERE of an UPDATE',
      'n/a',
      '42501',
      ({ b }) => `UPDATE vault SET secret = ${inXml(b)} WHERE ${asB(b)} IS NOT NULL RETURNING secret`,
    ],
    [
      '… with `database_to_xml`',
      'n/a',
      '42501',
      ({ b }) => `SELECT ${asB(b)}, database_to_xml(true, false, '')::text`,
    ],
    [
      '… with `schema_to_xml`',
      'n/a',
      '42501',
      ({ b }) => `SELECT ${asB(b)}, schema_to_xml('${b}', true, false, '')::text`,
    ],
    [
      '… with `ts_stat`',
      'n/a',
      '42501',
      ({ b }) =>
        `SELECT ${asB(b)}, (SELECT max(word) FROM ts_stat('SELECT to_tsvector(''simple'', secret) FROM "${b}".vault'))`,
    ],
    [
      '… with a row that was already planned',
      'n/a',
      '42501',
      ({ b }) => `SELECT ${asB(b)}, secret FROM "${b}".vault`,
    ],
    [
      '`set_config` of `session_authorization`',
      'n/a',
      '42501',
      ({ b }) => `SELECT set_config('session_authorization', '${b}', true), ${inXml(b)}`,
    ],
    [
      '`set_config` back to the login',
      'n/a',
      '42501',
      () =>
        `SELECT set_config('role', 'none', true), query_to_xml('SELECT query FROM pg_stat_activity', true, false, '')::text`,
    ],
    ['file of the server: `pg_read_file`', '42501', '42501', () => `SELECT pg_read_file('PG_VERSION')`],
    ['file of the server: `lo_import`', '42501', '42501', () => `SELECT lo_import('/etc/hostname')`],
  ]),
  group('One whole statement', 'rows', [
    [
      '`SET ROLE`, and a read in the next statement',
      'n/a',
      'TENANT_ROLE_UNUSABLE',
      ({ b }) => [`SET ROLE "${b}"`, stealing(b)],
    ],
    [
      '`SET search_path`, and a read in the next statement',
      'nothing',
      'nothing',
      ({ b }) => [`SET search_path = "${b}"`, 'SELECT secret FROM vault'],
    ],
    [
      '`UPDATE pg_settings` of `search_path`, and a read',
      'nothing',
      '42501',
      ({ b }) => [
        `UPDATE pg_settings SET setting = '${b}' WHERE name = 'search_path'`,
        'SELECT secret FROM vault',
      ],
    ],
    [
      '`UPDATE pg_settings` of `role`, and a read',
      'n/a',
      '42501',
      ({ b }) => [`UPDATE pg_settings SET setting = '${b}' WHERE name = 'role'`, stealing(b)],
    ],
    [
      '`SET SESSION AUTHORIZATION`',
      'n/a',
      '42501',
      ({ b }) => [`SET SESSION AUTHORIZATION "${b}"`, stealing(b)],
    ],
    [
      '`DO` block that changes the role',
      '42501',
      '42501',
      ({ b }) =>
        `DO $$ DECLARE s text; BEGIN EXECUTE 'SET LOCAL ROLE "${b}"'; EXECUTE '${stealing(b)} LIMIT 1' INTO s; RAISE EXCEPTION '%', s; END $$`,
    ],
    [
      '`DO` block that reads',
      '42501',
      '42501',
      ({ b }) =>
        `DO $$ DECLARE s text; BEGIN EXECUTE '${stealing(b)} LIMIT 1' INTO s; RAISE EXCEPTION '%', s; END $$`,
    ],
    [
      'function in `pg_temp`',
      '42501',
      '42501',
      ({ b }) => [
        `CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql AS '${stealing(b)}'`,
        'SELECT pg_temp.f()',
      ],
    ],
    [
      'function in the own schema, with a role of its choice',
      '42501',
      '42501',
      ({ a, b }) => [
        `CREATE FUNCTION "${a}".f() RETURNS SETOF text LANGUAGE sql SET role = '${b}' AS '${stealing(b)}'`,
        `SELECT "${a}".f()`,
      ],
    ],
    [
      'view in the own schema',
      '42501',
      '42501',
      ({ a, b }) => [`CREATE VIEW "${a}".v AS ${stealing(b)}`, `SELECT * FROM "${a}".v`],
    ],
    [
      'rule on the own table',
      '42501',
      '42501',
      ({ b }) => `CREATE RULE r AS ON UPDATE TO vault DO ALSO ${stealing(b)}`,
    ],
    [
      'cursor WITH HOLD',
      'LEAK',
      '42501',
      ({ b }) => [`DECLARE c CURSOR WITH HOLD FOR ${stealing(b)}`, 'FETCH ALL FROM c'],
    ],
    ['PREPARE and EXECUTE', 'LEAK', '42501', ({ b }) => [`PREPARE p AS ${stealing(b)}`, 'EXECUTE p']],
    ['EXPLAIN ANALYZE', 'nothing', '42501', ({ b }) => `EXPLAIN (ANALYZE, VERBOSE) ${stealing(b)}`],
    [
      'statements stacked, without parameters',
      'LEAK',
      '42601',
      ({ b }) => `SELECT 1; SELECT max(secret)::int FROM "${b}".vault`,
    ],
    [
      'statements stacked, with `[]`',
      'LEAK',
      '42601',
      ({ b }) => ({ sql: `SELECT 1; SELECT max(secret)::int FROM "${b}".vault`, parameters: [] }),
    ],
    ['statements stacked behind `SET ROLE`', 'n/a', '42601', ({ b }) => `SET ROLE "${b}"; ${stealing(b)}`],
    [
      'statements stacked, with a parameter',
      '42601',
      '42601',
      ({ b }) => ({ sql: `SELECT $1::text; ${stealing(b)}`, parameters: ['x'] }),
    ],
    ['`COPY … TO PROGRAM`', '42501', '42501', ({ b }) => `COPY (${stealing(b)}) TO PROGRAM 'cat'`],
    ['`COPY … FROM PROGRAM`', '42501', '42501', () => `COPY vault FROM PROGRAM 'id'`],
    ['`COPY … FROM` a file', '42501', '42501', () => `COPY vault FROM '/etc/hostname'`],
    ['`CREATE EXTENSION dblink`', '42501', '42501', () => 'CREATE EXTENSION dblink'],
    [
      '`GRANT` of the other role to oneself',
      'n/a',
      '42501',
      ({ a, b }) => [`GRANT "${b}" TO "${a}"`, stealing(b)],
    ],
    [
      '`GRANT pg_read_all_data` to oneself',
      '42501',
      '42501',
      ({ b }) => ['GRANT pg_read_all_data TO CURRENT_USER', stealing(b)],
    ],
    [
      '`GRANT SELECT` on the table to everybody',
      'LEAK',
      '42501',
      ({ b }) => [`GRANT SELECT ON "${b}".vault TO PUBLIC`, stealing(b)],
    ],
    ['`ALTER ROLE` oneself `SUPERUSER`', '42501', '42501', () => 'ALTER ROLE CURRENT_USER SUPERUSER'],
    ['`ALTER SYSTEM`', '25001', '25001', () => `ALTER SYSTEM SET log_statement = 'all'`],
  ]),
  group('Whole statements inside of one transaction', 'rows', [
    ['`SET ROLE` to the other tenant', 'n/a', 'LEAK', ({ b }) => ['BEGIN', `SET ROLE "${b}"`, stealing(b)]],
    [
      '`SET LOCAL ROLE` to the other tenant',
      'n/a',
      'LEAK',
      ({ b }) => ['BEGIN', `SET LOCAL ROLE "${b}"`, stealing(b)],
    ],
    [
      '… after `COMMIT`, without another BEGIN',
      'n/a',
      'TENANT_ROLE_UNUSABLE',
      ({ b }) => ['BEGIN', 'SELECT 1', 'COMMIT', `SET ROLE "${b}"`, stealing(b)],
    ],
    [
      '… after `COMMIT AND CHAIN`',
      'n/a',
      'LEAK',
      ({ b }) => ['BEGIN', 'SELECT 1', 'COMMIT AND CHAIN', `SET ROLE "${b}"`, stealing(b)],
    ],
    [
      '… undone by `ROLLBACK TO SAVEPOINT`',
      'n/a',
      '42501',
      ({ b }) => ['BEGIN', 'SAVEPOINT s', `SET ROLE "${b}"`, 'ROLLBACK TO SAVEPOINT s', stealing(b)],
    ],
    [
      '… with a cursor WITH HOLD, fetched after COMMIT',
      'n/a',
      'LEAK',
      ({ b }) => [
        'BEGIN',
        `SET LOCAL ROLE "${b}"`,
        `DECLARE c CURSOR WITH HOLD FOR ${stealing(b)}`,
        'COMMIT',
        'FETCH ALL FROM c',
      ],
    ],
    [
      '… with PREPARE, executed after COMMIT',
      'n/a',
      '42501',
      ({ b }) => ['BEGIN', `SET LOCAL ROLE "${b}"`, `PREPARE p AS ${stealing(b)}`, 'COMMIT', 'EXECUTE p'],
    ],
    [
      '… to hand on rights that outlive it',
      'n/a',
      '42501',
      ({ a, b }) => [
        'BEGIN',
        `SET ROLE "${b}"`,
        `GRANT SELECT ON "${b}".vault TO "${a}"`,
        `SET ROLE "${a}"`,
        stealing(b),
      ],
    ],
    [
      '`RESET ROLE`, and a read as the login',
      'LEAK',
      '42501',
      ({ b }) => ['BEGIN', 'RESET ROLE', stealing(b)],
    ],
    [
      '`SET ROLE NONE`, and a read as the login',
      'LEAK',
      '42501',
      ({ b }) => ['BEGIN', 'SET ROLE NONE', stealing(b)],
    ],
    [
      '`RESET ROLE`, then `pg_stat_activity`',
      'LEAK',
      'LEAK',
      () => ['BEGIN', 'RESET ROLE', 'SELECT query FROM pg_stat_activity'],
    ],
    [
      '`RESET ROLE`, then one SELECT with `set_config`',
      'n/a',
      'LEAK',
      ({ b }) => ['BEGIN', 'RESET ROLE', `SELECT ${asB(b)}, ${inXml(b)}`],
    ],
    [
      '`RESET ROLE`, then a `DO` block',
      '42501',
      '42501',
      ({ b }) => [
        'BEGIN',
        'RESET ROLE',
        `DO $$ DECLARE s text; BEGIN EXECUTE '${stealing(b)} LIMIT 1' INTO s; RAISE EXCEPTION '%', s; END $$`,
      ],
    ],
    [
      '`RESET ROLE`, then `GRANT` of the other role',
      'n/a',
      '42501',
      ({ a, b }) => ['BEGIN', 'RESET ROLE', `GRANT "${b}" TO "${a}"`],
    ],
    [
      '`RESET ROLE`, then `REASSIGN OWNED`',
      'n/a',
      '42501',
      ({ a, b }) => ['BEGIN', 'RESET ROLE', `REASSIGN OWNED BY "${b}" TO "${a}"`],
    ],
    [
      '`RESET SESSION AUTHORIZATION`, and a read',
      'LEAK',
      '42501',
      ({ b }) => ['BEGIN', 'RESET SESSION AUTHORIZATION', stealing(b)],
    ],
    [
      '`SET SESSION AUTHORIZATION`',
      'n/a',
      '42501',
      ({ b }) => ['BEGIN', `SET LOCAL SESSION AUTHORIZATION "${b}"`, stealing(b)],
    ],
    [
      '`set_config` of `role`, and a read in the next statement',
      'n/a',
      '42501',
      ({ b }) => ['BEGIN', `SELECT ${asB(b)}`, stealing(b)],
    ],
    [
      '`SET LOCAL search_path`, and a read',
      'LEAK',
      '42P01',
      ({ b }) => ['BEGIN', `SET LOCAL search_path = "${b}"`, 'SELECT secret FROM vault'],
    ],
  ]),
  group('Writing and breaking', 'effect', [
    [
      'INSERT into the other tenant',
      'WORKS',
      '42501',
      ({ b }) => ['BEGIN', `INSERT INTO "${b}".vault VALUES (98, 'x')`],
    ],
    ['DELETE in the other tenant', 'WORKS', '42501', ({ b }) => ['BEGIN', `DELETE FROM "${b}".vault`]],
    ['TRUNCATE in the other tenant', '42501', '42501', ({ b }) => ['BEGIN', `TRUNCATE "${b}".vault`]],
    [
      'LOCK TABLE of the other tenant',
      'WORKS',
      '42501',
      ({ b }) => ['BEGIN', `LOCK TABLE "${b}".vault IN ROW EXCLUSIVE MODE`],
    ],
    ['DROP of the own table', '42501', '42501', () => 'DROP TABLE vault'],
    ['temporary table', '42501', '42501', () => 'CREATE TEMP TABLE vault (id int)'],
    ['table in the own schema', '42501', '42501', () => 'CREATE TABLE planted (id int)'],
    ['table in `public`', '42501', '42501', () => 'CREATE TABLE public.vault (id int)'],
    [
      'schema named like the path of unbound statements',
      '42501',
      '42501',
      () => 'CREATE SCHEMA tenantry_unbound',
    ],
    [
      'terminate a session of another process',
      'WORKS',
      '42501',
      ({ peerPid }) => `SELECT pg_terminate_backend(${peerPid})`,
    ],
    [
      '… after `RESET ROLE`',
      'WORKS',
      'WORKS',
      ({ peerPid }) => ['BEGIN', 'RESET ROLE', `SELECT pg_terminate_backend(${peerPid})`],
    ],
    [
      'change the password of the login',
      'WORKS',
      '42501',
      ({ login }) => ['BEGIN', `ALTER ROLE "${login}" PASSWORD 'x'`],
    ],
    [
      '… after `RESET ROLE`',
      'WORKS',
      'WORKS',
      ({ login }) => ['BEGIN', 'RESET ROLE', `ALTER ROLE "${login}" PASSWORD 'x'`],
    ],
    [
      'change the defaults of the login for ever',
      'WORKS',
      '42501',
      ({ login, b }) => ['BEGIN', `ALTER ROLE "${login}" SET search_path = "${b}"`],
    ],
    [
      '… after `RESET ROLE`',
      'WORKS',
      'WORKS',
      ({ login, b }) => ['BEGIN', 'RESET ROLE', `ALTER ROLE "${login}" SET search_path = "${b}"`],
    ],
    ['lift `temp_file_limit`', '42501', '42501', () => `SET temp_file_limit = -1`],
    ['lift `statement_timeout`', 'WORKS', 'WORKS', () => 'SET statement_timeout = 0'],
    ['raise `work_mem`', 'WORKS', 'WORKS', () => `SET work_mem = '1TB'`],
    ['take an advisory lock of any number', 'WORKS', 'WORKS', () => 'SELECT pg_try_advisory_lock(1)'],
    ['NOTIFY on any channel', 'WORKS', 'WORKS', () => `NOTIFY tenantry_tenants, 'x'`],
    ['LISTEN on any channel', 'WORKS', 'WORKS', () => 'LISTEN tenantry_tenants'],
    ['large object of the own', 'WORKS', 'WORKS', () => ['BEGIN', `SELECT lo_create(0)`]],
  ]),
  group('Metadata of other tenants', 'effect', [
    [
      'names of schemas',
      'WORKS',
      'WORKS',
      ({ b }) => `SELECT nspname FROM pg_namespace WHERE nspname = '${b}'`,
    ],
    ['names of roles', 'n/a', 'WORKS', ({ b }) => `SELECT rolname FROM pg_roles WHERE rolname = '${b}'`],
    [
      'names of tables and columns',
      'WORKS',
      'WORKS',
      ({ b }) =>
        `SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = (SELECT oid FROM pg_class WHERE relname = 'vault' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '${b}'))`,
    ],
    [
      'numbers of rows',
      'WORKS',
      'WORKS',
      ({ b }) =>
        `SELECT reltuples FROM pg_class WHERE reltuples > 0 AND relname = 'vault' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '${b}')`,
    ],
    [
      'sizes',
      'WORKS',
      'WORKS',
      ({ b }) =>
        `SELECT pg_total_relation_size(oid) FROM pg_class WHERE relname = 'vault' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '${b}')`,
    ],
    [
      'definitions of views',
      'WORKS',
      'WORKS',
      ({ b }) =>
        `SELECT pg_get_viewdef(oid) FROM pg_class WHERE relname = 'vault_view' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '${b}')`,
    ],
    [
      'columns through `information_schema`',
      'WORKS',
      'nothing',
      ({ b }) => `SELECT column_name FROM information_schema.columns WHERE table_schema = '${b}'`,
    ],
  ]),
];

export const ATTACKS: readonly (Attack & Pick<AttackGroup, 'seeks'>)[] = ATTACK_GROUPS.flatMap(
  ({ seeks, attacks }) => attacks.map((attack) => ({ ...attack, seeks })),
);
