import pg from 'pg';
import type { IsolationCode } from '../../src/doctor/finding.js';
import { inspectLogin } from '../../src/doctor/inspect-isolation.js';
import { IsolationBrokenError } from '../../src/doctor/isolation.errors.js';
import { World } from './world.js';

let world: World;
let version: number;

beforeEach(async () => {
  world = await World.open();
  await world.setUp();
  const [row] = await world.sessions.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int / 10000 AS version`,
  );
  version = row!.version;
});

afterEach(() => world.close());

/** What a superuser may have done to the login, `%`, and what it is called. */
const WEAKNESSES: readonly (readonly [IsolationCode, string])[] = [
  ['LOGIN_ATTRIBUTES', 'ALTER ROLE % SUPERUSER'],
  ['LOGIN_ATTRIBUTES', 'ALTER ROLE % CREATEROLE'],
  ['LOGIN_ATTRIBUTES', 'ALTER ROLE % CREATEDB'],
  ['LOGIN_ATTRIBUTES', 'ALTER ROLE % BYPASSRLS'],
  ['LOGIN_ATTRIBUTES', 'ALTER ROLE % REPLICATION'],
  ['LOGIN_PREDEFINED_ROLES', 'GRANT pg_read_all_data TO %'],
  ['LOGIN_OWNS_OBJECTS', 'CREATE TABLE public.mine (); ALTER TABLE public.mine OWNER TO %'],
  ['LOGIN_OWNS_OBJECTS', 'CREATE SCHEMA mine AUTHORIZATION %'],
  ['LOGIN_CREATES_IN_DATABASE', onDatabase('CREATE', '%')],
  ['LOGIN_CREATES_TEMPORARY', onDatabase('TEMP', '%')],
  ['LOGIN_CREATES_TEMPORARY', onDatabase('TEMP', 'PUBLIC')],
  ['SHARED_SCHEMA_WRITABLE', 'GRANT CREATE ON SCHEMA public TO PUBLIC'],
  ['SHARED_SCHEMA_WRITABLE', 'CREATE SCHEMA ext; GRANT CREATE ON SCHEMA ext TO %'],
];

/** GRANT takes no `current_database()`. */
function onDatabase(privilege: string, grantee: string): string {
  return `DO $$ BEGIN EXECUTE 'GRANT ${privilege} ON DATABASE ' || quote_ident(current_database()) || ' TO ${grantee}'; END $$`;
}

async function weaken(sql: string): Promise<void> {
  await world.sessions.query(sql.replaceAll('%', world.login));
}

async function inspect() {
  const client = new pg.Client({ connectionString: world.urlOf(world.login) });
  await client.connect();
  try {
    return await inspectLogin(client);
  } finally {
    await client.end();
  }
}

/** The data source of an application with this login does not start, and closes what it had opened. */
async function expectRefusal(code: IsolationCode): Promise<void> {
  const starting = world
    .dataSource('role', world.urlOf(world.login), { applicationName: 'refused' })
    .initialize();
  const error: unknown = await starting.then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  expect(error).toBeInstanceOf(IsolationBrokenError);
  expect((error as IsolationBrokenError).findings.map((finding) => finding.code)).toContain(code);
  expect((error as Error).message).not.toContain(world.password);
  await expect(world.sessions.areGone('refused')).resolves.toBe(true);
}

describe('a runtime login', () => {
  it('that was set up is confined', async () => {
    await expect(inspect()).resolves.toEqual([]);
  });

  it('stays confined with tenants, of which it inherits nothing', async () => {
    await world.provisioner([]).apply(world.tenant());
    await expect(inspect()).resolves.toEqual([]);
  });

  it.each(WEAKNESSES)('is found out by %s, and refused, after: %s', async (code, sql) => {
    await weaken(sql);
    await expect(inspect()).resolves.toContainEqual(expect.objectContaining({ code, severity: 'breaks' }));
    await expectRefusal(code);
  });

  it('is found out when it inherits the rights of a tenant', async () => {
    const tenant = world.tenant();
    await world.provisioner([]).apply(tenant);
    await weaken(version >= 16 ? `GRANT "${tenant.schema}" TO % WITH INHERIT TRUE` : 'ALTER ROLE % INHERIT');
    await expectRefusal('LOGIN_INHERITS');
  });

  it('may have the attribute INHERIT where grants decide, which is from PostgreSQL 16 on', async () => {
    await weaken('ALTER ROLE % INHERIT');
    const found = (await inspect()).map(({ code }) => code);
    expect(found).toEqual(version >= 16 ? [] : ['LOGIN_INHERITS']);
  });

  it('is called weakened, but starts, while everybody may call set_config()', async () => {
    await weaken('GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC');
    await expect(inspect()).resolves.toMatchObject([{ code: 'SET_CONFIG_PUBLIC', severity: 'weakens' }]);
    const warning = jest.spyOn(process, 'emitWarning').mockImplementation();
    const dataSource = world.dataSource('role', world.urlOf(world.login));
    await expect(dataSource.initialize()).resolves.toBe(dataSource);
    expect(warning.mock.calls.map(([text]) => text)).toContainEqual(
      expect.stringMatching(/^Isolation is weakened: set_config.*Remedy: .*REVOKE/),
    );
    warning.mockRestore();
  });

  it('is told a remedy that works', async () => {
    const mendable = WEAKNESSES.filter(
      ([code, sql]) => code !== 'LOGIN_OWNS_OBJECTS' && !/SUPERUSER/.test(sql),
    );
    for (const [, sql] of mendable) await weaken(sql);
    const findings = await inspect();
    expect(findings.length).toBeGreaterThan(4);
    for (const { remedy } of findings) await world.sessions.query(remedy);
    await expect(inspect()).resolves.toEqual([]);
  });

  it('may be anything at level path, which promises nothing about it', async () => {
    const dataSource = world.dataSource('path', world.adminUrl);
    await expect(dataSource.initialize()).resolves.toBe(dataSource);
  });
});
