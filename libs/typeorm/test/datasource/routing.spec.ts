import { randomBytes } from 'node:crypto';
import {
  isTenancyError,
  schemaNameFor,
  TenancyConfigurationError,
  TenantContext,
  TenantContextMissingError,
  type Tenant,
} from '@tenantry/core';
import { Entity, PrimaryColumn, QueryFailedError, type Repository } from 'typeorm';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import type { TenantDatabase } from '../../src/testing/index.js';
import { Sessions } from '../pool/sessions.js';
import { CreateNotes1700000001000, Note, TagSchema } from './notes.js';

let database: TenantDatabase;
let dataSource: TenantDataSource;
let sessions: Sessions;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  // The doctor does not like that the central schema has tables of the same names; here it is on purpose.
  jest.spyOn(process, 'emitWarning').mockImplementation();
  database = await openTenantDatabase({
    migrations: [CreateNotes1700000001000],
    centralMigrations: [CreateNotes1700000001000],
    typeorm: { entities: [Note, TagSchema], poolSize: 4 },
  });
  ({ dataSource } = database);
  sessions = await Sessions.open(database.adminUrl);
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  for (const tenant of [acme, globex]) {
    await TenantContext.run(tenant, async () => {
      await dataSource.getRepository(Note).insert({ id: 1, text: `note of ${tenant.slug}` });
      await dataSource.getRepository(TagSchema).insert({ id: 1, label: `tag of ${tenant.slug}` });
    });
  }
  await TenantContext.runCentral(() =>
    dataSource.getRepository(Note).insert({ id: 1, text: 'central note' }),
  );
});

afterAll(async () => {
  await sessions.close();
  await database.close();
});

/** Runs one piece of code for both tenants at once. */
function forBoth<T>(read: () => Promise<T>): Promise<T[]> {
  return Promise.all([acme, globex].map((tenant) => TenantContext.run(tenant, read)));
}

async function firstNote(notes: Repository<Note>): Promise<string> {
  return (await notes.findOneByOrFail({ id: 1 })).text;
}

describe('a repository that was made once, at start-up', () => {
  it('reads for whoever is in force', async () => {
    const notes = dataSource.getRepository(Note);
    await expect(forBoth(() => firstNote(notes))).resolves.toEqual(['note of acme', 'note of globex']);
    await expect(firstNote(notes)).rejects.toThrow(TenantContextMissingError);
  });

  it('may be an extended one', async () => {
    const notes = dataSource.getRepository(Note).extend({
      async shout(this: Repository<Note>): Promise<string> {
        return (await this.createQueryBuilder('n').where('n.id = 1').getOneOrFail()).text.toUpperCase();
      },
    });
    await expect(forBoth(() => notes.shout())).resolves.toEqual(['NOTE OF ACME', 'NOTE OF GLOBEX']);
  });

  it('may be of an entity schema', async () => {
    const tags = dataSource.getRepository(TagSchema);
    const labels = await forBoth(async () => (await tags.find()).map(({ label }) => label));
    expect(labels).toEqual([['tag of acme'], ['tag of globex']]);
  });
});

describe('the central context', () => {
  it('reaches the central tables through the same repositories', async () => {
    const notes = dataSource.getRepository(Note);
    await expect(TenantContext.runCentral(() => firstNote(notes))).resolves.toBe('central note');
    await expect(
      TenantContext.runCentral(() => dataSource.query('SELECT slug FROM tenants')),
    ).resolves.toEqual([]);
  });

  it('can be entered from a tenant, and left', async () => {
    const notes = dataSource.getRepository(Note);
    const seen = await TenantContext.run(acme, async () => [
      await firstNote(notes),
      await TenantContext.runCentral(() => firstNote(notes)),
      await firstNote(notes),
    ]);
    expect(seen).toEqual(['note of acme', 'central note', 'note of acme']);
  });
});

describe('a tenant inside of another', () => {
  it('has a connection of its own, and the outer transaction goes on as the outer tenant', async () => {
    await TenantContext.run(acme, () =>
      dataSource.transaction(async (manager) => {
        await manager.insert(Note, { id: 2, text: 'not committed' });
        const [outer] = await manager.query('SELECT pg_backend_pid() AS pid');
        await TenantContext.run(globex, async () => {
          const [inner] = await dataSource.query('SELECT pg_backend_pid() AS pid');
          expect(inner.pid).not.toBe(outer.pid);
          await expect(dataSource.getRepository(Note).countBy({ id: 2 })).resolves.toBe(0);
          // What was begun as acme stays acme's, whoever is in force now.
          await expect(manager.countBy(Note, { id: 2 })).resolves.toBe(1);
        });
        await expect(firstNote(manager.getRepository(Note))).resolves.toBe('note of acme');
        await manager.delete(Note, { id: 2 });
      }),
    );
  });

  it('does not change the tenant of a query runner that was made before', async () => {
    const runner = TenantContext.run(acme, () => dataSource.createQueryRunner());
    try {
      const rows = await TenantContext.run(globex, () => runner.query('SELECT text FROM note'));
      expect(rows).toEqual([{ text: 'note of acme' }]);
      await expect(TenantContext.run(globex, () => runner.manager.find(Note))).resolves.toMatchObject([
        { text: 'note of acme' },
      ]);
    } finally {
      await runner.release();
    }
  });
});

describe('a tenant that cannot be served', () => {
  it('is refused when it is placed on a cluster that is not configured', async () => {
    const elsewhere = { ...acme, placement: { cluster: 'eu' } };
    await expect(TenantContext.run(elsewhere, async () => dataSource.query('SELECT 1'))).rejects.toThrow(
      /No cluster 'eu'/,
    );
  });

  it('is refused when its schema is the central one', async () => {
    const impostor = { ...acme, schema: database.isolation.centralSchema };
    await expect(
      TenantContext.run(impostor, async () => dataSource.query('SELECT slug FROM tenants')),
    ).rejects.toThrow(TenancyConfigurationError);
  });

  it.each(['public', 'pg_catalog', 'a"; DROP TABLE note; --', '$user', '', 'A'])(
    'is refused before any SQL when its schema is named %j',
    async (schema) => {
      const connect = jest.spyOn(dataSource.driver, 'obtainMasterConnection');
      expect(() => dataSource.views.forSchema(schema)).toThrow(TenancyConfigurationError);
      await expect(
        TenantContext.run({ ...acme, schema }, async () => dataSource.query('SELECT 1')),
      ).rejects.toThrow(TenancyConfigurationError);
      expect(connect).not.toHaveBeenCalled();
      connect.mockRestore();
    },
  );

  it('is told apart by an error of ours inside of the one of TypeORM when its schema is gone', async () => {
    const gone = { ...acme, schema: schemaNameFor('00000000-0000-4000-8000-000000000000') };
    const error: unknown = await TenantContext.run(gone, () => dataSource.query('SELECT 1')).catch(
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(QueryFailedError);
    expect(isTenancyError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'TENANT_SCHEMA_MISSING', kind: 'unavailable' });
  });
});

describe('initialising', () => {
  const applicationName = 'initialising';

  function newDataSource(options: object = {}): TenantDataSource {
    return new TenantDataSource(
      { type: 'postgres', url: database.runtimeUrl, applicationName, ...options },
      { isolation: database.isolation },
    );
  }

  it('opens one pool when it is asked for several times at once', async () => {
    const fresh = newDataSource();
    const connect = jest.spyOn(fresh.driver, 'connect');
    const all = await Promise.all([1, 2, 3, 4].map(() => fresh.initialize()));
    expect(new Set(all)).toEqual(new Set([fresh]));
    expect(connect).toHaveBeenCalledTimes(1);
    await fresh.destroy();
    await expect(sessions.areGone(applicationName)).resolves.toBe(true);
  });

  it('can be done again after it was destroyed, with the views that were handed out before', async () => {
    const fresh = newDataSource({ entities: [Note] });
    const view = fresh.views.forTenant(acme);
    await fresh.initialize();
    await expect(firstNote(view.getRepository(Note))).resolves.toBe('note of acme');
    await fresh.destroy();
    await fresh.initialize();
    await expect(firstNote(view.getRepository(Note))).resolves.toBe('note of acme');
    await fresh.destroy();
  });

  it('fails for all who wait for it, and may be tried again', async () => {
    const fresh = newDataSource();
    const connect = jest.spyOn(fresh.driver, 'connect').mockRejectedValueOnce(new Error('down'));
    const results = await Promise.allSettled([fresh.initialize(), fresh.initialize()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(connect).toHaveBeenCalledTimes(1);
    await fresh.initialize();
    await fresh.destroy();
  });

  it('keeps nobody as the tenant of what lives on', async () => {
    const fresh = newDataSource();
    await TenantContext.run(acme, () => fresh.initialize());
    await expect(fresh.query('SELECT 1')).rejects.toThrow(TenantContextMissingError);
    await fresh.destroy();
  });

  it('refuses entities that are pinned to a schema, and closes what it had opened', async () => {
    @Entity({ name: 'pinned', schema: 'public' })
    class Pinned {
      @PrimaryColumn('int')
      id!: number;
    }
    await expect(newDataSource({ entities: [Pinned] }).initialize()).rejects.toThrow(
      /Entity 'Pinned' is pinned to schema 'public'.*runCentral/,
    );
    await expect(sessions.areGone(applicationName)).resolves.toBe(true);
  });

  it.each([{ schema: 'acme' }, { synchronize: true }, { cache: true }])(
    'is not reached with %j',
    (options) => {
      expect(() => newDataSource(options)).toThrow(TenancyConfigurationError);
    },
  );

  it('cannot be made unsafe by options that are set later', () => {
    const fresh = newDataSource();
    expect(() => fresh.setOptions({ schema: 'acme' })).toThrow(TenancyConfigurationError);
    expect(() => fresh.setOptions({ cache: { type: 'redis' } })).toThrow(/new data source/);
    expect(fresh.setOptions({ logging: ['error'] }).options.logging).toEqual(['error']);
  });

  it('is not fooled by a path or role in the URL, which an unbound connection would have', async () => {
    const url = new URL(database.runtimeUrl);
    url.searchParams.set('options', `-c search_path=${acme.schema} -c statement_timeout=4321`);
    const fresh = await newDataSource({ url: url.href }).initialize();
    const { master } = fresh.driver as unknown as {
      master: { query(sql: string): Promise<{ rows: unknown[] }> };
    };
    const { rows } = await master.query(
      `SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout`,
    );
    expect(rows).toEqual([{ path: 'tenantry_unbound', timeout: '4321ms' }]);
    await fresh.destroy();
  });
});

const SEVERAL = `BEGIN; INSERT INTO note VALUES (3, 'several'); COMMIT`;

describe('a text of several statements', () => {
  it('is refused at level role, and not taken for the BEGIN in front', async () => {
    await expect(TenantContext.run(acme, () => dataSource.query(SEVERAL))).rejects.toThrow(
      /multiple commands/,
    );
  });

  it('is run as a whole, in the schema of the tenant, at level path', async () => {
    const admin = await new TenantDataSource(
      { type: 'postgres', url: database.adminUrl, entities: [Note] },
      { isolation: { ...database.isolation, level: 'path' } },
    ).initialize();
    await TenantContext.run(acme, () => admin.query(SEVERAL));
    await expect(
      TenantContext.run(acme, () => admin.getRepository(Note).findOneByOrFail({ id: 3 })),
    ).resolves.toMatchObject({ text: 'several' });
    await expect(TenantContext.run(globex, () => admin.getRepository(Note).countBy({ id: 3 }))).resolves.toBe(
      0,
    );
    await TenantContext.run(acme, () => admin.getRepository(Note).delete({ id: 3 }));
    await admin.destroy();
  });
});

describe('a transaction whose failed statement the application has swallowed', () => {
  it('is rejected at COMMIT, which saved nothing', async () => {
    const id = 1_000 + randomBytes(1)[0]!;
    const saving = TenantContext.run(acme, () =>
      dataSource.transaction(async (manager) => {
        await manager.insert(Note, { id, text: 'lost' });
        await manager.query('SELECT 1/0').catch(() => {});
      }),
    );
    await expect(saving).rejects.toMatchObject({ code: 'TRANSACTION_ROLLED_BACK' });
    await expect(TenantContext.run(acme, () => dataSource.getRepository(Note).countBy({ id }))).resolves.toBe(
      0,
    );
  });
});
