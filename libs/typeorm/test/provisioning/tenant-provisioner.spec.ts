import { TenancyConfigurationError, TenantContext, type Tenant } from '@tenantry/core';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import {
  TenantRoleForeignError,
  TenantSchemaForeignError,
} from '../../src/provisioning/provisioning.errors.js';
import { TenantProvisioner } from '../../src/provisioning/tenant-provisioner.js';
import { AddDiscount1700000002000, CreateShop1700000001000 } from './shop.js';
import { World } from './world.js';

let world: World;
let runtime: TenantDataSource;

beforeAll(async () => {
  world = await World.open();
  await world.setUp();
  runtime = await world.dataSource('role', world.urlOf(world.login)).initialize();
});

afterAll(() => world.close());

/** Runs SQL as the application does: in the tenant's context, on the runtime login. */
function as(tenant: Tenant, sql: string): Promise<unknown> {
  return TenantContext.run(tenant, () => runtime.query(sql));
}

async function history({ schema }: Tenant): Promise<string[]> {
  const rows = await world.sessions.query<{ name: string }>(
    `SELECT name FROM "${schema}".migrations ORDER BY id`,
  );
  return rows.map(({ name }) => name);
}

/** Whatever of a tenant is on the server. */
async function remains({ schema }: Tenant): Promise<unknown[]> {
  return world.sessions.query(
    `SELECT nspname FROM pg_namespace WHERE nspname = $1 UNION ALL SELECT rolname FROM pg_roles WHERE rolname = $1`,
    [schema],
  );
}

function migration(
  name: string,
  up: (queryRunner: QueryRunner) => Promise<unknown>,
): new () => MigrationInterface {
  return class {
    readonly name = name;
    async up(queryRunner: QueryRunner): Promise<void> {
      await up(queryRunner);
    }
    async down(): Promise<void> {}
  };
}

describe('a tenant that was provisioned', () => {
  let acme: Tenant;

  beforeAll(async () => {
    acme = world.tenant();
    await world.provisioner([CreateShop1700000001000]).apply(acme);
  });

  it('can use the tables, sequences, enums, views, functions and triggers of its migrations', async () => {
    await as(acme, `INSERT INTO customer (name) VALUES ('second')`);
    await as(acme, `INSERT INTO "order" (customer_id) VALUES (2)`);
    await as(acme, `UPDATE "order" SET status = 'paid'`);
    expect(await as(acme, 'SELECT customer_id, changes FROM paid')).toEqual([{ customer_id: 2, changes: 1 }]);
    expect(await as(acme, 'SELECT name FROM customer ORDER BY id')).toEqual([
      { name: 'first; of all' },
      { name: 'second' },
    ]);
    await as(acme, 'DELETE FROM "order"');
  });

  it.each([
    'CREATE TABLE mine (a int)',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'ALTER TABLE customer ADD mine int',
    'DROP TABLE "order"',
    'TRUNCATE customer',
    'CREATE TEMP TABLE mine (a int)',
    'CREATE SCHEMA mine',
    `INSERT INTO migrations (timestamp, name) VALUES (1, 'forged')`,
    `UPDATE migrations SET name = 'forged'`,
    'DELETE FROM migrations',
  ])('may not: %s', async (sql) => {
    await expect(as(acme, sql)).rejects.toMatchObject({
      message: expect.stringMatching(/permission denied|must be owner/),
      code: '42501',
    });
  });

  it('may read which migrations ran', async () => {
    expect(await as(acme, 'SELECT name FROM migrations')).toEqual([{ name: 'CreateShop1700000001000' }]);
  });

  it('owns nothing: everything belongs to the login that provisioned', async () => {
    const owners = await world.sessions.query(
      `SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = $1::regnamespace
       UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE oid = $1::regnamespace`,
      [acme.schema],
    );
    expect(owners).toEqual([{ owner: new URL(world.adminUrl).username }]);
  });

  it('can use what the admin login adds later', async () => {
    await world.sessions.query(`CREATE TABLE "${acme.schema}".later (id serial PRIMARY KEY, a int)`);
    await as(acme, 'INSERT INTO later (a) VALUES (1)');
    expect(await as(acme, 'SELECT id, a FROM later')).toEqual([{ id: 1, a: 1 }]);
  });

  it('refers to nothing in another schema', async () => {
    const globex = world.tenant();
    await world.provisioner([CreateShop1700000001000]).apply(globex);
    const references = (from: string, to: string): Promise<unknown[]> =>
      world.sessions.query(
        `SELECT a.identity, r.identity AS refers_to FROM pg_depend d,
           pg_identify_object(d.classid, d.objid, d.objsubid) a,
           pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) r
         WHERE d.classid > 0 AND concat(a.schema, a.identity) ~ $1 AND concat(r.schema, r.identity) ~ $2`,
        [from, to],
      );
    expect(await references(globex.schema, globex.schema)).not.toEqual([]);
    expect(await references(globex.schema, `${acme.schema}|public\\.|tenantry\\.`)).toEqual([]);
    expect(await references(acme.schema, globex.schema)).toEqual([]);
  });
});

describe('applying again', () => {
  it('changes nothing', async () => {
    const tenant = world.tenant();
    const provisioner = world.provisioner([CreateShop1700000001000]);
    const everything = (): Promise<unknown[]> =>
      world.sessions.query(
        `SELECT 'relation' AS kind, relname, oid, relacl::text, pg_relation_filenode(oid) FROM pg_class
         WHERE relnamespace = $1::regnamespace UNION ALL
         SELECT 'schema', nspname, oid, nspacl::text, 0 FROM pg_namespace WHERE oid = $1::regnamespace UNION ALL
         SELECT 'role', rolname, oid, '', 0 FROM pg_roles WHERE rolname = $1::regnamespace::text UNION ALL
         SELECT 'default', defaclobjtype::text, oid, defaclacl::text, 0 FROM pg_default_acl
         WHERE defaclnamespace = $1::regnamespace ORDER BY 1, 2`,
        [tenant.schema],
      );
    await provisioner.apply(tenant);
    const before = await everything();
    expect(before.length).toBeGreaterThan(8);
    await provisioner.apply(tenant);
    await world.provisioner([CreateShop1700000001000]).apply(tenant);
    expect(await everything()).toEqual(before);
    expect(await history(tenant)).toEqual(['CreateShop1700000001000']);
  });

  it('runs the migrations that are new, and gives back no right that one of them took', async () => {
    const tenant = world.tenant();
    await world.provisioner([CreateShop1700000001000]).apply(tenant);
    const newer = world.provisioner([CreateShop1700000001000, AddDiscount1700000002000]);
    await newer.apply(tenant);
    await newer.apply(tenant);
    expect(await history(tenant)).toEqual(['CreateShop1700000001000', 'AddDiscount1700000002000']);
    expect(await as(tenant, 'SELECT discount FROM customer')).toEqual([{ discount: 0 }]);
    await expect(as(tenant, 'DELETE FROM customer')).rejects.toThrow(/permission denied/);
  });

  it('writes one history when four do it at once, in one process and in several', async () => {
    const tenant = world.tenant();
    const [one, two] = [
      world.provisioner([CreateShop1700000001000]),
      world.provisioner([CreateShop1700000001000]),
    ];
    await Promise.all([one, one, two, two].map((provisioner) => provisioner.apply(tenant)));
    expect(await history(tenant)).toEqual(['CreateShop1700000001000']);
    expect(await as(tenant, 'SELECT name FROM customer')).toHaveLength(1);
  });

  it('makes eight tenants at once', async () => {
    const provisioner = world.provisioner([CreateShop1700000001000]);
    const tenants = Array.from({ length: 8 }, () => world.tenant());
    await Promise.all(tenants.map((tenant) => provisioner.apply(tenant)));
    const names = await Promise.all(tenants.map((tenant) => as(tenant, 'SELECT name FROM customer')));
    expect(names).toEqual(tenants.map(() => [{ name: 'first; of all' }]));
  });
});

describe('provisioning that fails', () => {
  it('leaves nothing, and tells the error of the migration', async () => {
    const tenant = world.tenant();
    const failing = migration('Fails1700000003000', (queryRunner) => queryRunner.query('SELECT 1/0'));
    const applying = world.provisioner([CreateShop1700000001000, failing]).apply(tenant);
    await expect(applying).rejects.toMatchObject({ code: '22012', message: 'division by zero' });
    expect(await remains(tenant)).toEqual([]);
  });

  it('leaves an existing tenant as it was', async () => {
    const tenant = world.tenant();
    await world.provisioner([CreateShop1700000001000]).apply(tenant);
    const failing = migration('Fails1700000003000', async (queryRunner) => {
      await queryRunner.query('DROP TABLE "order" CASCADE');
      throw new Error('changed its mind');
    });
    const applying = world.provisioner([CreateShop1700000001000, failing]).apply(tenant);
    await expect(applying).rejects.toThrow('changed its mind');
    expect(await history(tenant)).toEqual(['CreateShop1700000001000']);
    expect(await as(tenant, 'SELECT * FROM "order"')).toEqual([]);
  });

  it('leaves nothing when its connection is killed half-way, and works the next time', async () => {
    const tenant = world.tenant();
    const killed = migration('Killed1700000003000', async (queryRunner) => {
      const [{ pid }] = (await queryRunner.query('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
      await world.sessions.terminate(pid);
      await queryRunner.query('SELECT 1');
    });
    const provisioner = world.provisioner([CreateShop1700000001000, killed]);
    await expect(provisioner.apply(tenant)).rejects.toThrow(/terminat|released/i);
    expect(await remains(tenant)).toEqual([]);
    const other = world.tenant();
    await expect(provisioner.apply(other)).rejects.toThrow(/terminat|released/i);
    await world.provisioner([CreateShop1700000001000]).apply(tenant);
    expect(await history(tenant)).toEqual(['CreateShop1700000001000']);
  });

  it('leaves nothing when it is closed half-way', async () => {
    const tenant = world.tenant();
    let closing: Promise<void> | undefined;
    const provisioner = world.provisioner([
      CreateShop1700000001000,
      migration('Closed1700000003000', async (queryRunner) => {
        closing = provisioner.close();
        await closing.catch(() => {});
        await queryRunner.query('SELECT 1');
      }),
    ]);
    await expect(provisioner.apply(tenant)).rejects.toThrow(/released/i);
    await closing;
    expect(await remains(tenant)).toEqual([]);
  });
});

describe('a name that is there already', () => {
  it('is refused when the schema belongs to somebody else, who loses nothing', async () => {
    const tenant = world.tenant();
    const stranger = world.role(`stranger_${world.suffix}`);
    await world.sessions.query(`CREATE ROLE ${stranger}`);
    await world.sessions.query(`CREATE SCHEMA "${tenant.schema}" AUTHORIZATION ${stranger}`);
    await world.sessions.query(`CREATE TABLE "${tenant.schema}".customer AS SELECT 'precious' AS name`);
    const all = (): Promise<unknown[]> =>
      world.sessions.query(
        `SELECT relname, relacl::text, (SELECT nspacl::text FROM pg_namespace n WHERE n.oid = relnamespace)
         FROM pg_class WHERE relnamespace = $1::regnamespace`,
        [tenant.schema],
      );
    const before = await all();

    const applying = world.provisioner([CreateShop1700000001000]).apply(tenant);
    await expect(applying).rejects.toThrow(TenantSchemaForeignError);
    await expect(applying).rejects.toMatchObject({
      schema: tenant.schema,
      owner: stranger,
      kind: 'conflict',
    });
    expect(await all()).toEqual(before);
    expect(await world.sessions.query(`SELECT * FROM "${tenant.schema}".customer`)).toEqual([
      { name: 'precious' },
    ]);
    expect(await world.sessions.query(`SELECT FROM pg_roles WHERE rolname = $1`, [tenant.schema])).toEqual(
      [],
    );
  });

  it.each(['LOGIN', 'CREATEROLE', 'BYPASSRLS'])(
    'is refused when the role is %s, which no tenant is',
    async (attribute) => {
      const tenant = world.tenant();
      await world.sessions.query(`CREATE ROLE "${tenant.schema}" ${attribute}`);
      const applying = world.provisioner([CreateShop1700000001000]).apply(tenant);
      await expect(applying).rejects.toThrow(TenantRoleForeignError);
      const members = await world.sessions.query('SELECT FROM pg_auth_members WHERE roleid = $1::regrole', [
        tenant.schema,
      ]);
      expect([await remains(tenant), members]).toEqual([[{ nspname: tenant.schema }], []]);
    },
  );

  it('is refused when the role is a member of another one', async () => {
    const tenant = world.tenant();
    await world.sessions.query(`CREATE ROLE "${tenant.schema}" IN ROLE pg_read_all_data`);
    const applying = world.provisioner([CreateShop1700000001000]).apply(tenant);
    await expect(applying).rejects.toThrow(TenantRoleForeignError);
  });

  it('is adopted when the schema is empty and the admin login its owner', async () => {
    const tenant = world.tenant();
    await world.sessions.query(`CREATE SCHEMA "${tenant.schema}"`);
    await world.provisioner([CreateShop1700000001000]).apply(tenant);
    expect(await as(tenant, 'SELECT name FROM customer')).toEqual([{ name: 'first; of all' }]);
  });

  it('is adopted with the tables and rows in it when it was provisioned at level path', async () => {
    const tenant = world.tenant();
    await world.provisioner([CreateShop1700000001000], { level: 'path' }).apply(tenant);
    await expect(as(tenant, 'SELECT 1')).rejects.toThrow(/cannot take role/);
    await world.provisioner([CreateShop1700000001000]).apply(tenant);
    expect(await as(tenant, `INSERT INTO customer (name) VALUES ('b') RETURNING id`)).toEqual([{ id: 2 }]);
    await expect(as(tenant, 'DELETE FROM migrations')).rejects.toThrow(/permission denied/);
  });

  it('is left as it is when the migrations do not go with what is in it', async () => {
    const tenant = world.tenant();
    await world.sessions.query(`CREATE SCHEMA "${tenant.schema}"`);
    await world.sessions.query(`CREATE TABLE "${tenant.schema}".customer AS SELECT 'precious' AS name`);
    const applying = world.provisioner([CreateShop1700000001000]).apply(tenant);
    await expect(applying).rejects.toMatchObject({ code: '42P07' });
    const tables = await world.sessions.query(
      'SELECT relname, relacl FROM pg_class WHERE relnamespace = $1::regnamespace',
      [tenant.schema],
    );
    expect(tables).toEqual([{ relname: 'customer', relacl: null }]);
  });

  it.each(['public', 'pg_catalog', 'tenantry', 'a"; DROP SCHEMA tenantry; --', '', 'A'])(
    'is refused before any SQL when it is %j',
    async (schema) => {
      await expect(world.provisioner([]).apply({ schema })).rejects.toThrow(TenancyConfigurationError);
    },
  );
});

describe('a provisioner', () => {
  it('serves whoever asks, in whatever context', async () => {
    const [acme, globex] = [world.tenant(), world.tenant()];
    const provisioner = world.provisioner([CreateShop1700000001000]);
    await provisioner.apply(acme);
    await TenantContext.run(acme, () => provisioner.apply(globex));
    expect(await history(globex)).toEqual(['CreateShop1700000001000']);
  });

  it('lets migrations find what is in the extension schemas', async () => {
    await world.sessions.query('CREATE SCHEMA ext');
    await world.sessions.query(
      `CREATE FUNCTION ext.greeting() RETURNS text LANGUAGE sql AS $$ SELECT 'hello' $$`,
    );
    const greets = migration('Greets1700000003000', (queryRunner) =>
      queryRunner.query('CREATE TABLE greeting AS SELECT greeting() AS text'),
    );
    const tenant = world.tenant();
    await world.provisioner([greets], { extensionSchemas: ['ext'] }).apply(tenant);
    expect(await as(tenant, 'SELECT text FROM greeting')).toEqual([{ text: 'hello' }]);
  });

  it('makes a schema also without any migration', async () => {
    const tenant = world.tenant();
    await world.provisioner([]).apply(tenant);
    expect(await as(tenant, 'SELECT current_schema() AS schema')).toEqual([{ schema: tenant.schema }]);
    expect(await history(tenant)).toEqual([]);
  });

  it('leaves no session when it is closed, and opens new ones when it is used again', async () => {
    const applicationName = 'provisioner-that-closes';
    const provisioner = world.provisioner([], { applicationName });
    const tenant = world.tenant();
    await provisioner.apply(tenant);
    await provisioner.close();
    await provisioner.close();
    await expect(world.sessions.areGone(applicationName)).resolves.toBe(true);
    await provisioner.apply(tenant);
    expect(await world.sessions.pidsOf(applicationName)).toHaveLength(1);
  });

  it('tries to connect anew after a connection that could not be made', async () => {
    const urls = [world.urlOf('nobody'), world.adminUrl];
    const provisioner = new TenantProvisioner(() => world.dataSource('path', urls.shift()!), {
      level: 'role',
      runtimeLogin: world.login,
    });
    const tenant = world.tenant();
    await expect(provisioner.apply(tenant)).rejects.toMatchObject({ cause: { code: '28P01' } });
    await provisioner.apply(tenant);
    await provisioner.close();
    expect(await history(tenant)).toEqual([]);
  });
});
