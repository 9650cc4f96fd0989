import {
  TenancyConfigurationError,
  TenantContext,
  TenantContextMissingError,
  type Tenant,
} from '@tenantry/core';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import type { TenantDatabase } from '../../src/testing/index.js';
import { Sessions } from '../pool/sessions.js';
import { CreateNotes1700000001000, Note, TagSchema } from './notes.js';

class AddColour1700000002000 implements MigrationInterface {
  readonly name = 'AddColour1700000002000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE note ADD colour text`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE note DROP colour`);
  }
}

let database: TenantDatabase;
let sessions: Sessions;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  database = await openTenantDatabase({
    migrations: [CreateNotes1700000001000],
    typeorm: { entities: [Note, TagSchema], poolSize: 4 },
  });
  sessions = await Sessions.open(database.adminUrl);
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  for (const tenant of [acme, globex]) {
    await viewOf(tenant)
      .getRepository(Note)
      .insert({ id: 1, text: `note of ${tenant.slug}` });
  }
});

afterAll(async () => {
  await sessions.close();
  await database.close();
});

function viewOf(tenant: Tenant): DataSource {
  return database.dataSource.views.forTenant(tenant);
}

async function notesOf(view: DataSource): Promise<string[]> {
  return (await view.getRepository(Note).find()).map(({ text }) => text);
}

async function tablesOf(schema: string): Promise<string[]> {
  const rows = await sessions.query<{ table_name: string }>(
    'SELECT table_name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
    [schema],
  );
  return rows.map(({ table_name: name }) => name);
}

describe('a pinned view', () => {
  it('needs no context and ignores the one in force', async () => {
    await expect(notesOf(viewOf(acme))).resolves.toEqual(['note of acme']);
    await expect(TenantContext.run(globex, () => notesOf(viewOf(acme)))).resolves.toEqual(['note of acme']);
    await expect(TenantContext.runCentral(() => notesOf(viewOf(acme)))).resolves.toEqual(['note of acme']);
  });

  it('does what a data source does', async () => {
    const view = viewOf(acme);
    await view.transaction(async (manager) => {
      await manager.update(Note, { id: 1 }, { text: 'changed' });
      expect(await manager.query('SELECT text FROM note')).toEqual([{ text: 'changed' }]);
      await manager.query('SAVEPOINT s');
      await manager.save(TagSchema, { id: 5, label: 'new' });
      await manager.update(Note, { id: 1 }, { text: 'note of acme' });
    });
    expect(await view.query('SELECT count(*)::int AS tags FROM tag')).toEqual([{ tags: 1 }]);
    expect(await viewOf(globex).query('SELECT count(*)::int AS tags FROM tag')).toEqual([{ tags: 0 }]);
    const texts: string[] = [];
    for await (const row of await view.createQueryBuilder(Note, 'n').stream()) {
      texts.push((row as { n_text: string }).n_text);
    }
    expect(texts).toEqual(['note of acme']);
  });

  it('is no end of the pool when it is destroyed', async () => {
    const view = viewOf(acme);
    await view.destroy();
    expect(view.isInitialized).toBe(true);
    await expect(notesOf(view)).resolves.toEqual(['note of acme']);
    await expect(notesOf(viewOf(globex))).resolves.toEqual(['note of globex']);
  });

  it('does not take options, which would be those of every tenant', () => {
    expect(() => viewOf(acme).setOptions({ logging: true })).toThrow(TenancyConfigurationError);
    expect(database.dataSource.options.logging).toBeUndefined();
  });

  it('is the same one when asked for again, and of the tenant and its schema', () => {
    const { views } = database.dataSource;
    expect(views.forTenant(acme)).toBe(views.forTenant(acme));
    expect(views.forSchema(acme.schema)).toBe(views.forTenant(acme));
    expect(views.forTenant(globex)).not.toBe(views.forTenant(acme));
    expect(TenantContext.run(acme, () => database.dataSource.current())).toBe(views.forTenant(acme));
  });
});

describe('views of many schemas', () => {
  it('are kept up to their bound, least recently used first out, and work on when they are not', async () => {
    const few = await new TenantDataSource(
      { type: 'postgres', url: database.runtimeUrl, entities: [Note], poolSize: 2 },
      { isolation: { ...database.isolation, maxViews: 2 } },
    ).initialize();
    const [first, second] = [few.views.forTenant(acme), few.views.forTenant(globex)];
    expect(few.views.forTenant(acme)).toBe(first);
    few.views.central();
    expect(few.views.forTenant(acme)).toBe(first);
    expect(few.views.forTenant(globex)).not.toBe(second);
    await expect(Promise.all([notesOf(first), notesOf(second)])).resolves.toEqual([
      ['note of acme'],
      ['note of globex'],
    ]);
    await few.destroy();
  });
});

describe('a view on the admin login, at level path', () => {
  const all = [CreateNotes1700000001000, AddColour1700000002000];
  let admin: TenantDataSource;
  let schemas: [string, string];
  let made = 0;

  beforeEach(async () => {
    made++;
    schemas = [`own_${made}`, `other_${made}`];
    for (const schema of schemas) await sessions.query(`CREATE SCHEMA ${schema}`);
    admin = await new TenantDataSource(
      { type: 'postgres', url: database.adminUrl, entities: [Note, TagSchema], migrations: all, poolSize: 2 },
      { isolation: { ...database.isolation, level: 'path' } },
    ).initialize();
  });

  afterEach(() => admin.destroy());

  it('runs migrations in its one schema, and knows no history but its own', async () => {
    const [own, other] = schemas;
    // Both would make TypeORM believe that everything ran already.
    for (const elsewhere of ['public', other]) {
      await sessions.query(
        `CREATE TABLE IF NOT EXISTS ${elsewhere}.migrations (id serial, timestamp bigint, name text)`,
      );
      for (const { name } of all) {
        await sessions.query(`INSERT INTO ${elsewhere}.migrations (timestamp, name) VALUES (1, $1)`, [name]);
      }
    }
    const view = admin.views.forSchema(own);
    await expect(view.showMigrations()).resolves.toBe(true);
    const ran = await view.runMigrations();
    expect(ran.map(({ name }) => name)).toEqual(['CreateNotes1700000001000', 'AddColour1700000002000']);
    await expect(view.showMigrations()).resolves.toBe(false);
    await expect(view.runMigrations()).resolves.toEqual([]);
    expect(await tablesOf(own)).toEqual(['migrations', 'note', 'tag']);
    expect(await tablesOf(other)).toEqual(['migrations']);

    await view.undoLastMigration();
    await expect(view.showMigrations()).resolves.toBe(true);
    expect(await sessions.query(`SELECT name FROM ${own}.migrations`)).toEqual([
      { name: 'CreateNotes1700000001000' },
    ]);
    await sessions.query('DROP TABLE public.migrations');
  });

  it('runs them for the tenant in force through the routed data source', async () => {
    const [own] = schemas;
    const ran = await TenantContext.run({ ...acme, schema: own }, () => admin.runMigrations());
    expect(ran).toHaveLength(2);
    await expect(admin.runMigrations()).rejects.toThrow(TenantContextMissingError);
    await TenantContext.run({ ...acme, schema: own }, () => admin.undoLastMigration());
    await expect(TenantContext.run({ ...acme, schema: own }, () => admin.showMigrations())).resolves.toBe(
      true,
    );
  });

  it('synchronises and clears its one schema, twice with the same result', async () => {
    const [own, other] = schemas;
    await sessions.query(`CREATE TABLE ${other}.note (id int)`);
    const view = admin.views.forSchema(own);
    await view.synchronize();
    await view.getRepository(Note).insert({ id: 1, text: 'kept' });
    await view.synchronize();
    expect(await tablesOf(own)).toEqual(['note', 'tag']);
    await expect(notesOf(view)).resolves.toEqual(['kept']);
    await view.dropDatabase();
    expect([await tablesOf(own), await tablesOf(other)]).toEqual([[], ['note']]);
    await expect(notesOf(viewOf(acme))).resolves.toEqual(['note of acme']);
  });
});
