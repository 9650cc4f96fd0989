import { TenancyConfigurationError, TenantContext } from '@tenantry/core';
import { inspectLogin } from '../../src/doctor/inspect-isolation.js';
import { migrateCentral } from '../../src/provisioning/central-migrations.js';
import { setUpDatabase } from '../../src/provisioning/database-setup.js';
import { CreateShop1700000001000 } from './shop.js';
import { World } from './world.js';

let world: World;

beforeEach(async () => {
  world = await World.open();
});

afterEach(() => world.close());

/** Everything that a set-up could touch, with rights, but for the password. */
function state(): Promise<unknown[]> {
  return world.sessions.query(
    `SELECT 'role' AS kind, rolname AS name, concat(rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin) AS facts
     FROM pg_roles WHERE rolname ~ $1 UNION ALL
     SELECT 'member', r.rolname, m.member::regrole::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
     WHERE r.rolname ~ $1 UNION ALL
     SELECT 'schema', nspname, nspacl::text FROM pg_namespace WHERE nspname IN ('tenantry', 'public') UNION ALL
     SELECT 'default', defaclobjtype::text, defaclacl::text FROM pg_default_acl UNION ALL
     SELECT 'database', datname, datacl::text FROM pg_database WHERE datname = current_database() UNION ALL
     SELECT 'function', proname, proacl::text FROM pg_proc WHERE proname = 'set_config' ORDER BY 1, 2`,
    [world.suffix],
  );
}

describe('setUpDatabase', () => {
  it('makes a login that can do nothing by itself and passes the inspection', async () => {
    await world.setUp();
    const runtime = await world.dataSource('role', world.urlOf(world.login)).initialize();
    await expect(inspect()).resolves.toEqual([]);
    await expect(TenantContext.runCentral(() => runtime.query('SELECT current_user AS me'))).resolves.toEqual(
      [{ me: world.isolation.centralRole }],
    );
    await expect(TenantContext.runCentral(() => runtime.query('CREATE TABLE t (a int)'))).rejects.toThrow(
      /permission denied/,
    );
  });

  it('changes nothing the second time, and takes another password', async () => {
    await world.setUp();
    const before = await state();
    expect(before.length).toBeGreaterThan(6);
    await setUpDatabase({
      adminUrl: world.adminUrl,
      runtime: { login: world.login, password: `it's "new"; --` },
      isolation: world.isolation,
    });
    expect(await state()).toEqual(before);
    const runtime = world.dataSource('role', world.urlOf(world.login, `it's "new"; --`));
    await expect(runtime.initialize()).resolves.toBe(runtime);
  });

  it('is done once when four do it at once', async () => {
    await Promise.all([1, 2, 3, 4].map(() => world.setUp()));
    await expect(inspect()).resolves.toEqual([]);
  });

  it('leaves nothing when it fails', async () => {
    const stranger = world.role(`stranger_${world.suffix}`);
    await world.sessions.query(`CREATE ROLE ${stranger} LOGIN CREATEROLE PASSWORD '${world.password}'`);
    const before = await state();
    await expect(world.setUp('role', world.urlOf(stranger))).rejects.toMatchObject({ code: '42501' });
    expect(await state()).toEqual(before);
  });

  it('works on a login that owns the database and may create roles, but is no superuser', async () => {
    const owner = world.role(`owner_${world.suffix}`);
    await world.sessions.query(`CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD '${world.password}'`);
    const [{ name }] = (await world.sessions.query('SELECT current_database() AS name')) as [
      { name: string },
    ];
    await world.sessions.query(`ALTER DATABASE "${name}" OWNER TO ${owner}`);
    const adminUrl = world.urlOf(owner);
    await world.setUp('role', adminUrl);
    await migrateCentral({ adminUrl, isolation: world.isolation });
    const tenant = world.tenant();
    const provisioner = world.provisioner([CreateShop1700000001000], { adminUrl });
    await provisioner.apply(tenant);
    await provisioner.apply(tenant);

    // Only a superuser can take set_config() away from everybody: the application starts, and says so.
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation();
    const runtime = await world.dataSource('role', world.urlOf(world.login)).initialize();
    expect(warnings.mock.calls.map(([text]) => text)).toContainEqual(
      expect.stringMatching(/^Isolation is weakened: set_config/),
    );
    warnings.mockRestore();
    const names = await TenantContext.run(tenant, () => runtime.query('SELECT name FROM customer'));
    expect(names).toEqual([{ name: 'first; of all' }]);
    await world.sessions.query(`ALTER DATABASE "${name}" OWNER TO CURRENT_USER`);
  });

  it('gives the login itself the rights at level path, where statements run as the login', async () => {
    await world.setUp('path');
    await migrateCentral({ adminUrl: world.adminUrl, isolation: world.isolation });
    const tenant = world.tenant();
    await world.provisioner([CreateShop1700000001000], { level: 'path' }).apply(tenant);
    const runtime = await world.dataSource('path', world.urlOf(world.login)).initialize();
    await expect(TenantContext.runCentral(() => runtime.query('SELECT id FROM tenants'))).resolves.toEqual(
      [],
    );
    await expect(TenantContext.run(tenant, () => runtime.query('SELECT id FROM customer'))).resolves.toEqual([
      { id: 1 },
    ]);
  });

  it('refuses to make the admin login the one that the application runs on', async () => {
    const { username: login } = new URL(world.adminUrl);
    const settingUp = setUpDatabase({ adminUrl: world.adminUrl, runtime: { login, password: 'x' } });
    await expect(settingUp).rejects.toThrow(TenancyConfigurationError);
    await expect(world.sessions.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });

  it.each(['', 'App', 'a"b', "a'b", 'a'.repeat(64)])('refuses a login named %j', async (login) => {
    const settingUp = setUpDatabase({ adminUrl: world.adminUrl, runtime: { login, password: 'x' } });
    await expect(settingUp).rejects.toThrow(TenancyConfigurationError);
  });
});

describe('migrateCentral', () => {
  beforeEach(() => world.setUp());

  it("runs the registry's migration and then the application's, in the central schema", async () => {
    await expect(migrate()).resolves.toEqual([
      'CreateTenantRegistry1700000000000',
      'CreateShop1700000001000',
    ]);
    const tables = await world.sessions.query<{ schema: string }>(
      `SELECT DISTINCT relnamespace::regnamespace::text AS schema FROM pg_class
       WHERE relname IN ('tenants', 'customer', 'migrations')`,
    );
    expect(tables).toEqual([{ schema: 'tenantry' }]);
  });

  it('runs each once, when two do it at once and when it is done again', async () => {
    const ran = await Promise.all([migrate(), migrate(), migrate()]);
    expect(ran.flat().toSorted()).toEqual(['CreateShop1700000001000', 'CreateTenantRegistry1700000000000']);
    await expect(migrate()).resolves.toEqual([]);
  });

  it('runs all or none, and lets the next one have its turn', async () => {
    const failing = class Fails1700000003000 extends CreateShop1700000001000 {
      override readonly name = 'Fails1700000003000' as never;
      override async up(): Promise<void> {
        throw new Error('changed its mind');
      }
    };
    const failed = migrateCentral({
      adminUrl: world.adminUrl,
      isolation: world.isolation,
      migrations: [CreateShop1700000001000, failing],
    });
    const log = jest.spyOn(console, 'log').mockImplementation();
    await expect(failed).rejects.toThrow('changed its mind');
    log.mockRestore();
    await expect(migrate()).resolves.toHaveLength(2);
  });

  it('does not take the history of public for its own', async () => {
    await world.sessions.query(
      `CREATE TABLE public.migrations AS SELECT 1 AS id, 1 AS timestamp, 'CreateTenantRegistry1700000000000' AS name`,
    );
    await expect(migrate()).resolves.toHaveLength(2);
    const [{ count }] = (await world.sessions.query('SELECT count(*)::int FROM public.migrations')) as [
      { count: number },
    ];
    expect(count).toBe(1);
  });

  it('says what to call first when the database was not set up', async () => {
    const missing = migrateCentral({ adminUrl: world.adminUrl, isolation: { centralSchema: 'nowhere' } });
    await expect(missing).rejects.toThrow(/no schema 'nowhere' in the database\. Call setUpDatabase\(\)/);
  });
});

function migrate(): Promise<readonly string[]> {
  return migrateCentral({
    adminUrl: world.adminUrl,
    isolation: world.isolation,
    migrations: [CreateShop1700000001000],
  });
}

async function inspect(): Promise<unknown> {
  return inspectLogin(await world.dataSource('role', world.urlOf(world.login)).initialize());
}
