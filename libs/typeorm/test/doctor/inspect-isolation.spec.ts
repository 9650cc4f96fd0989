import { TenantContext } from '@tenantry/core';
import type { IsolationCode, IsolationFinding } from '../../src/doctor/finding.js';
import { inspectIsolation } from '../../src/doctor/inspect-isolation.js';
import { IsolationBrokenError } from '../../src/doctor/isolation.errors.js';
import { TenantPool } from '../../src/pool/tenant-pool.js';
import { DEFAULT_TENANT_POOL_OPTIONS } from '../../src/pool/tenant-pool.options.js';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import { openPatient, type Patient } from './patient.js';

let patient: Patient;

beforeAll(async () => {
  patient = await openPatient();
});

afterAll(() => patient.close());

interface Illness {
  readonly code: IsolationCode;
  readonly severity: IsolationFinding['severity'];
  readonly causes: string;
  /** Cures it where the doctor's own remedy has a blank to fill in. */
  readonly cure?: string;
  readonly thorough?: true;
}

const ILLNESSES: readonly Illness[] = [
  { code: 'LOGIN_ATTRIBUTES', severity: 'breaks', causes: 'ALTER ROLE %login CREATEDB' },
  { code: 'LOGIN_PREDEFINED_ROLES', severity: 'breaks', causes: 'GRANT pg_read_all_data TO %login' },
  {
    code: 'LOGIN_OWNS_OBJECTS',
    severity: 'breaks',
    causes: 'CREATE TABLE public.mine (); ALTER TABLE public.mine OWNER TO %login',
    cure: 'DROP TABLE public.mine',
  },
  { code: 'LOGIN_CREATES_IN_DATABASE', severity: 'breaks', causes: 'GRANT CREATE ON DATABASE %db TO PUBLIC' },
  { code: 'LOGIN_CREATES_TEMPORARY', severity: 'breaks', causes: 'GRANT TEMP ON DATABASE %db TO %login' },
  {
    code: 'SET_CONFIG_PUBLIC',
    severity: 'weakens',
    causes: 'GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC',
    cure: 'REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC',
  },
  {
    code: 'LANGUAGE_PUBLIC',
    severity: 'weakens',
    causes: 'GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC',
    cure: 'REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC',
  },
  { code: 'SHARED_SCHEMA_WRITABLE', severity: 'breaks', causes: 'GRANT CREATE ON SCHEMA public TO PUBLIC' },
  { code: 'SHARED_SCHEMA_WRITABLE', severity: 'breaks', causes: 'GRANT CREATE ON SCHEMA ext TO %a' },
  {
    code: 'SHARED_SCHEMA_WRITABLE',
    severity: 'breaks',
    causes: 'GRANT CREATE ON SCHEMA tenantry TO %central',
  },
  { code: 'TENANT_SCHEMA_WRITABLE', severity: 'weakens', causes: 'GRANT CREATE ON SCHEMA %a TO %a' },
  {
    code: 'UNBOUND_SCHEMA_EXISTS',
    severity: 'breaks',
    causes: 'CREATE SCHEMA tenantry_unbound',
    cure: 'DROP SCHEMA tenantry_unbound',
  },
  {
    code: 'TABLE_IN_EXTENSION_SCHEMA',
    severity: 'breaks',
    causes: 'CREATE TABLE ext.orders (id int)',
    cure: 'DROP TABLE ext.orders',
  },
  {
    code: 'TABLE_IN_CENTRAL_AND_TENANT',
    severity: 'weakens',
    causes: 'CREATE TABLE tenantry.orders (id int)',
    cure: 'DROP TABLE tenantry.orders',
  },
  {
    code: 'FUNCTION_SETS_ROLE',
    severity: 'breaks',
    causes: `CREATE FUNCTION ext.f(int) RETURNS int LANGUAGE sql SET role = %b AS 'SELECT 1'`,
    cure: 'DROP FUNCTION ext.f',
  },
  ...[
    `PERFORM set_config('search_path', 'x', false);`,
    `PERFORM pg_catalog.set_config ( 'role', 'x' , 'f' );`,
    'SET search_path = x;',
    'IF true THEN SET ROLE x; END IF;',
    "EXECUTE 'SET SESSION TimeZone = utc';",
    'PERFORM pg_advisory_lock(1);',
  ].map((body) => ({
    code: 'FUNCTION_CHANGES_SESSION' as const,
    severity: 'weakens' as const,
    causes: `CREATE FUNCTION ext.f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN ${body} END $f$`,
    cure: 'DROP FUNCTION ext.f',
  })),
  {
    code: 'DEFINER_WITHOUT_PATH',
    severity: 'weakens',
    causes: `CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
    cure: 'DROP FUNCTION public.f',
  },
  {
    code: 'DEFINER_WITHOUT_PATH',
    severity: 'weakens',
    causes: `CREATE FUNCTION %a.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
    cure: 'DROP FUNCTION %a.f',
    thorough: true,
  },
  { code: 'SETTINGS_DRIFT', severity: 'weakens', causes: 'ALTER ROLE %login SET search_path = %b' },
  { code: 'SETTINGS_DRIFT', severity: 'weakens', causes: 'ALTER ROLE %login IN DATABASE %db SET role = %b' },
  { code: 'SETTINGS_DRIFT', severity: 'weakens', causes: 'ALTER DATABASE %db SET row_security = off' },
  { code: 'TENANT_ROLE_POWERS', severity: 'breaks', causes: 'ALTER ROLE %a LOGIN' },
  { code: 'TENANT_ROLE_POWERS', severity: 'breaks', causes: 'GRANT %b TO %a' },
  { code: 'TENANT_ROLE_POWERS', severity: 'breaks', causes: 'GRANT %a TO %central' },
  { code: 'SCHEMA_OPEN_TO_OTHERS', severity: 'breaks', causes: 'GRANT USAGE ON SCHEMA %b TO PUBLIC' },
  { code: 'SCHEMA_OPEN_TO_OTHERS', severity: 'breaks', causes: 'GRANT USAGE ON SCHEMA %b TO %a' },
  { code: 'SCHEMA_OPEN_TO_OTHERS', severity: 'breaks', causes: 'GRANT USAGE ON SCHEMA %b TO %central' },
  { code: 'SCHEMA_OPEN_TO_OTHERS', severity: 'breaks', causes: 'GRANT USAGE ON SCHEMA %b TO %login' },
  { code: 'SCHEMA_OPEN_TO_OTHERS', severity: 'breaks', causes: 'GRANT USAGE ON SCHEMA tenantry TO %a' },
  {
    code: 'TABLE_OPEN_TO_PUBLIC',
    severity: 'weakens',
    causes: 'GRANT SELECT ON %b.orders TO PUBLIC',
    thorough: true,
  },
  ...[
    ['CREATE VIEW %a.stray AS SELECT * FROM %b.orders', 'DROP VIEW %a.stray'],
    ['CREATE TABLE %a.stray (id int REFERENCES %b.orders)', 'DROP TABLE %a.stray'],
    [
      `CREATE SEQUENCE %b.ids; CREATE TABLE %a.stray (id int DEFAULT nextval('%b.ids'))`,
      'DROP TABLE %a.stray; DROP SEQUENCE %b.ids',
    ],
    [
      `CREATE TYPE %b.mood AS ENUM ('ok'); CREATE TABLE %a.stray (mood %b.mood)`,
      'DROP TABLE %a.stray; DROP TYPE %b.mood',
    ],
    [
      `CREATE FUNCTION %a.stray() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM %b.orders; END`,
      'DROP FUNCTION %a.stray',
    ],
  ].map(([causes, cure]) => ({
    code: 'REFERENCE_TO_OTHER_TENANT' as const,
    severity: 'breaks' as const,
    causes: causes!,
    cure: cure!,
    thorough: true as const,
  })),
  {
    code: 'REFERENCE_OUT_OF_TENANT',
    severity: 'weakens',
    causes: 'CREATE VIEW %a.stray AS SELECT * FROM tenantry.tenants',
    cure: 'DROP VIEW %a.stray',
    thorough: true,
  },
];

describe('the isolation doctor', () => {
  it('has nothing to say of a database that was set up, however thorough it is', async () => {
    expect(await patient.examine()).toEqual([]);
    expect(await patient.examine({ thorough: true })).toEqual([]);
  });

  it.each(ILLNESSES)('finds $code, and nothing else, after: $causes', async (illness) => {
    const { code, severity, causes, cure, thorough } = illness;
    await patient.run(causes);
    try {
      expect((await patient.examine()).length).toBe(thorough ? 0 : 1);
      const findings = await patient.examine({ thorough: thorough ?? false });
      expect(findings).toEqual([expect.objectContaining({ code, severity })]);
      const { remedy } = findings[0]!;
      // Where SQL alone can mend it, the SQL is given, and does.
      await patient.run(cure ?? remedy);
    } catch (error) {
      await patient.run(cure ?? 'SELECT 1');
      throw error;
    }
    expect(await patient.examine({ thorough: true })).toEqual([]);
  });

  it('finds a login that inherits, which from PostgreSQL 16 on each membership decides', async () => {
    const { rows } = await patient.admin.query<{ modern: boolean }>(
      `SELECT current_setting('server_version_num')::int >= 160000 AS modern`,
    );
    await patient.run(rows[0]!.modern ? 'GRANT %a TO %login WITH INHERIT TRUE' : 'ALTER ROLE %login INHERIT');
    const [finding] = await patient.examine();
    expect(finding).toMatchObject({ code: 'LOGIN_INHERITS', severity: 'breaks' });
    await patient.run(
      rows[0]!.modern ? 'GRANT %a TO %login WITH INHERIT FALSE' : 'ALTER ROLE %login NOINHERIT',
    );
    expect(await patient.examine()).toEqual([]);
  });

  it('names a few of many, what breaks isolation first', async () => {
    await patient.run(
      'GRANT CREATE ON SCHEMA %a TO %a; CREATE TABLE ext.orders (); GRANT USAGE ON SCHEMA %a, %b, tenantry TO PUBLIC',
    );
    const findings = await patient.examine({ tables: ['orders', 'invoices'] });
    expect(findings.map(({ code }) => code)).toEqual([
      'SCHEMA_OPEN_TO_OTHERS',
      'TABLE_IN_EXTENSION_SCHEMA',
      'TENANT_SCHEMA_WRITABLE',
    ]);
    await patient.run(
      'REVOKE CREATE ON SCHEMA %a FROM %a; DROP TABLE ext.orders; REVOKE ALL ON SCHEMA %a, %b, tenantry FROM PUBLIC',
    );
  });

  it('finds nothing amiss in functions that keep to their transaction', async () => {
    await patient.run(`
      CREATE FUNCTION ext.f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN
        SET LOCAL search_path = x; PERFORM set_config('TimeZone', 'utc', true); UPDATE orders SET id = 1;
        SET CONSTRAINTS ALL IMMEDIATE; PERFORM pg_advisory_xact_lock(1);
      END $f$`);
    expect(await patient.examine({ thorough: true })).toEqual([]);
    await patient.run('DROP FUNCTION ext.f');
  });

  it('takes a pool, or one session of the login, as well as a data source', async () => {
    const { master } = patient.database.dataSource.driver as unknown as {
      master: Parameters<typeof inspectIsolation>[0];
    };
    expect(await inspectIsolation(master, { isolation: patient.isolation })).toEqual([]);
  });

  it('changes nothing, so that its connection serves on', async () => {
    const pool = new TenantPool({
      connectionString: patient.database.runtimeUrl,
      max: 1,
      tenantry: { ...DEFAULT_TENANT_POOL_OPTIONS, extendedOnly: true },
    });
    await inspectIsolation(pool, { isolation: patient.isolation, thorough: true });
    expect(pool.gauges()).toMatchObject({ connections: 1, idle: 1, destroyed: 0 });
    await pool.end();
  });

  it('leaves at level path what only roles could keep', async () => {
    await patient.run('ALTER ROLE %login CREATEDB; CREATE SCHEMA tenantry_unbound');
    const findings = await patient.examine({ isolation: { ...patient.isolation, level: 'path' } });
    expect(findings.map(({ code }) => code)).toEqual(['UNBOUND_SCHEMA_EXISTS']);
    await patient.run('ALTER ROLE %login NOCREATEDB; DROP SCHEMA tenantry_unbound');
  });
});

async function start(): Promise<void> {
  const dataSource = new TenantDataSource(
    { type: 'postgres', url: patient.database.runtimeUrl, applicationName: 'doctor-boot' },
    { isolation: patient.isolation },
  );
  await dataSource.initialize();
  await dataSource.destroy();
}

describe('an application at level role', () => {
  it('does not start while isolation is broken, and is told everything that has to be mended', async () => {
    await patient.run('GRANT %b TO %a; CREATE SCHEMA tenantry_unbound');
    const error = await start().catch((refusal: unknown) => refusal);
    await patient.run('REVOKE %b FROM %a; DROP SCHEMA tenantry_unbound');
    expect(error).toBeInstanceOf(IsolationBrokenError);
    const { findings, message } = error as IsolationBrokenError;
    expect(findings.map(({ code }) => code)).toEqual(['TENANT_ROLE_POWERS', 'UNBOUND_SCHEMA_EXISTS']);
    for (const { what, remedy } of findings) expect(message).toContain(`${what}. Remedy: ${remedy}`);
    expect(message).not.toContain(new URL(patient.database.runtimeUrl).password);
  });

  it('starts while isolation is weakened, and says so', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation();
    await patient.run('ALTER ROLE %login RESET client_connection_check_interval');
    await start();
    expect(warnings.mock.calls).toEqual([
      [
        expect.stringMatching(/DISCONNECT_UNNOTICED.*ALTER ROLE ".*" SET client_connection_check_interval/),
        'TenantryWarning',
      ],
    ]);
    warnings.mockRestore();
    await patient.run(`ALTER ROLE %login SET client_connection_check_interval = '5s'`);
  });

  it('is not misled by defaults that a hostile session has set for its own login', async () => {
    const { database, acme, globex } = patient;
    const poisoned = database.dataSource.createQueryRunner.bind(database.dataSource);
    await TenantContext.run(acme, async () => {
      const queryRunner = poisoned();
      for (const sql of [
        'BEGIN',
        'RESET ROLE',
        `ALTER ROLE "${patient.login}" SET search_path = "${globex.schema}"`,
        `ALTER ROLE "${patient.login}" SET role = "${globex.schema}"`,
        'COMMIT',
      ])
        await queryRunner.query(sql);
      await queryRunner.release();
    });
    const fresh = new TenantDataSource(
      { type: 'postgres', url: database.runtimeUrl, poolSize: 1 },
      { isolation: patient.isolation },
    );
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation();
    await fresh.initialize();
    expect(warnings.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(/SETTINGS_DRIFT/),
      expect.stringMatching(/SETTINGS_DRIFT/),
    ]);
    warnings.mockRestore();
    const { master } = fresh.driver as unknown as {
      master: { query(sql: string): Promise<{ rows: unknown[] }> };
    };
    const { rows } = await master.query('SELECT current_user AS role, current_schema() AS schema');
    expect(rows).toEqual([{ role: patient.login, schema: null }]);
    await fresh.destroy();
    await patient.run('ALTER ROLE %login RESET search_path; ALTER ROLE %login RESET role');
  });
});
