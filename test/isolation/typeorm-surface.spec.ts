import { TenantContext, TenantContextMissingError, type Tenant } from '@tenantry/core';
import {
  EventSubscriber,
  QueryFailedError,
  type DataSource,
  type EntitySubscriberInterface,
  type InsertEvent,
} from 'typeorm';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import { openTenantDatabase } from '../support/tenant-database.js';
import { Author, Book, CreateLibrary1710000000000, LIBRARY, Note, seedLibrary, Shelf } from './library.js';

const inserted: string[] = [];

/** Looks at the database from within the event, through the event's own manager. */
@EventSubscriber()
class SeesInserts implements EntitySubscriberInterface<Author> {
  listenTo(): typeof Author {
    return Author;
  }

  async afterInsert(event: InsertEvent<Author>): Promise<void> {
    const first = await event.manager.findOneByOrFail(Author, { id: 1 });
    inserted.push(`${event.entity.name} beside ${first.name}`);
  }
}

let database: TenantDatabase;
let dataSource: DataSource;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  database = await openTenantDatabase({
    migrations: [CreateLibrary1710000000000],
    typeorm: { entities: LIBRARY, subscribers: [SeesInserts], poolSize: 4 },
  });
  ({ dataSource } = database);
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  for (const tenant of [acme, globex]) {
    await TenantContext.run(tenant, () => seedLibrary((sql) => dataSource.query(sql), tenant.slug));
  }
});

afterAll(() => database.close());

/** Runs one piece of code for both tenants at once and checks that each got its own. */
async function expectOwn(read: () => Promise<unknown>, ownOf: (slug: string) => unknown): Promise<void> {
  const results = await Promise.all(
    [acme, globex, acme, globex].map((tenant) => TenantContext.run(tenant, read)),
  );
  expect(results).toEqual(['acme', 'globex', 'acme', 'globex'].map((slug) => ownOf(slug)));
}

/** Every way to read, with what a tenant must see. */
const READS: readonly (readonly [string, () => Promise<unknown>, (slug: string) => unknown])[] = [
  [
    'a repository',
    async () => (await dataSource.getRepository(Author).findOneByOrFail({ id: 1 })).name,
    (s) => `author of ${s}`,
  ],
  [
    'the entity manager',
    async () => (await dataSource.manager.findOneByOrFail(Author, { id: 1 })).name,
    (s) => `author of ${s}`,
  ],
  [
    'a query builder',
    async () =>
      (await dataSource.createQueryBuilder(Author, 'a').where('a.id = :id', { id: 1 }).getOneOrFail()).name,
    (s) => `author of ${s}`,
  ],
  [
    'findAndCount',
    async () => (await dataSource.getRepository(Shelf).findAndCount())[0].map(({ label }) => label),
    (s) => [`shelf of ${s}`],
  ],
  [
    'an eager relation',
    async () => (await dataSource.getRepository(Book).findOneByOrFail({ id: 1 })).author?.name,
    (s) => `author of ${s}`,
  ],
  [
    'a joined relation',
    async () =>
      (await dataSource.getRepository(Author).findOneOrFail({ where: { id: 1 }, relations: { books: true } }))
        .books[0]?.title,
    (s) => `book of ${s}`,
  ],
  [
    'a relation loaded by its own query',
    async () =>
      (
        await dataSource
          .getRepository(Author)
          .findOneOrFail({ where: { id: 1 }, relations: { books: true }, relationLoadStrategy: 'query' })
      ).books[0]?.title,
    (s) => `book of ${s}`,
  ],
  [
    'a lazy many-to-one',
    async () => (await (await dataSource.getRepository(Book).findOneByOrFail({ id: 1 })).translator)?.name,
    (s) => `translator of ${s}`,
  ],
  [
    'a lazy many-to-many',
    async () =>
      (await (await dataSource.getRepository(Book).findOneByOrFail({ id: 1 })).shelves).map(
        ({ label }) => label,
      ),
    (s) => [`shelf of ${s}`],
  ],
  [
    'the relation query builder',
    async () =>
      (await dataSource.createQueryBuilder().relation(Author, 'books').of(1).loadMany<Book>())[0]?.title,
    (s) => `book of ${s}`,
  ],
  [
    'a transaction',
    () => dataSource.transaction(async (manager) => (await manager.findOneByOrFail(Note, { id: 1 })).text),
    (s) => `note of ${s}`,
  ],
  [
    'a query runner with a savepoint rolled back',
    async () => {
      const runner = dataSource.createQueryRunner();
      try {
        await runner.startTransaction();
        await runner.startTransaction();
        await runner.query(`UPDATE note SET text = 'changed'`);
        await runner.rollbackTransaction();
        const [row] = (await runner.query('SELECT text FROM note WHERE id = 1')) as [{ text: string }];
        await runner.rollbackTransaction();
        return row.text;
      } finally {
        await runner.release();
      }
    },
    (s) => `note of ${s}`,
  ],
  [
    'raw SQL',
    async () => (await dataSource.query('SELECT text FROM note WHERE id = $1', [1]))[0].text,
    (s) => `note of ${s}`,
  ],
  [
    'raw SQL without parameters',
    async () => (await dataSource.query('SELECT text FROM note'))[0].text,
    (s) => `note of ${s}`,
  ],
  [
    'a stream',
    async () => {
      const texts: string[] = [];
      const stream = await dataSource.createQueryBuilder(Note, 'n').stream();
      for await (const row of stream) texts.push((row as { n_text: string }).n_text);
      return texts;
    },
    (s) => [`note of ${s}`],
  ],
  ['active record', async () => (await Note.findOneByOrFail({ id: 1 })).text, (s) => `note of ${s}`],
];

describe('two tenants with rows of the same primary keys', () => {
  test.each(READS)('each see their own through %s', async (_, read, own) => {
    await expectOwn(read, own);
  });

  test.each(READS)('see nothing at all without a context through %s', async (_, read) => {
    await expect(read()).rejects.toThrow(TenantContextMissingError);
  });

  test.each(READS)('would be caught by this suite if %s stuck to one of them', async (_, read, own) => {
    const { views } = database.dataSource;
    const stuck = jest.spyOn(views, 'forTenant').mockReturnValue(views.forTenant(acme));
    try {
      await expect(expectOwn(read, own)).rejects.toThrow(/toEqual/);
    } finally {
      stuck.mockRestore();
    }
  });

  it('each write their own, also when both save the same entity at once', async () => {
    const labels = await Promise.all(
      [acme, globex].map((tenant) =>
        TenantContext.run(tenant, async () => {
          const shelves = dataSource.getRepository(Shelf);
          await shelves.save({ id: 7, label: `new of ${tenant.slug}` });
          await shelves.increment({ id: 7 }, 'id', 1);
          return (await shelves.findOneByOrFail({ id: 8 })).label;
        }),
      ),
    );
    expect(labels).toEqual(['new of acme', 'new of globex']);
  });

  it('are each seen by a subscriber through the manager of its event', async () => {
    await Promise.all(
      [acme, globex].map((tenant) =>
        TenantContext.run(tenant, () =>
          dataSource.getRepository(Author).insert({ id: 30, name: `new of ${tenant.slug}` }),
        ),
      ),
    );
    expect(inserted.toSorted()).toEqual([
      'new of acme beside author of acme',
      'new of globex beside author of globex',
    ]);
  });

  it('keep to their tenant for a lazy relation that is touched in the context of another', async () => {
    const book = await TenantContext.run(acme, () =>
      dataSource.getRepository(Book).findOneByOrFail({ id: 1 }),
    );
    const translator = await TenantContext.run(globex, () => book.translator);
    expect(translator?.name).toBe('translator of acme');
  });

  it('keep to their tenant for the lazy relation of an entity that a pinned view loaded or made in the context of another', async () => {
    const view = database.dataSource.views.forTenant(acme);
    const names = await TenantContext.run(globex, async () => {
      const loaded = await view.getRepository(Book).findOneByOrFail({ id: 1 });
      const made = view.getRepository(Book).create({ id: 1 });
      return [(await loaded.translator)?.name, (await made.translator)?.name];
    });
    expect(names).toEqual(['translator of acme', 'translator of acme']);
  });

  it('keep to their tenant for a lazy relation of an entity that was made with new and saved', async () => {
    const book = Object.assign(new Book(), { id: 50, title: 'fresh' });
    await TenantContext.run(acme, async () => {
      await dataSource.getRepository(Book).save(book);
      await dataSource.createQueryBuilder().relation(Book, 'shelves').of(50).add(1);
    });
    const shelves = await TenantContext.run(globex, () => book.shelves);
    expect(shelves.map(({ label }) => label)).toEqual(['shelf of acme']);
  });
});

describe('a lazy relation that cannot be loaded', () => {
  it('rejects where it is awaited and ends no process', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const orphan = Object.assign(new Book(), { id: 1 });
    await expect(orphan.translator).rejects.toThrow(TenantContextMissingError);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('a tenant at level L1', () => {
  it('cannot read another by its qualified name', async () => {
    const query = TenantContext.run(acme, () => dataSource.query(`SELECT * FROM "${globex.schema}".note`));
    await expect(query).rejects.toThrow(/permission denied/);
  });

  it('cannot stack statements', async () => {
    const query = TenantContext.run(acme, () => dataSource.query(`SELECT 1; SELECT * FROM note`));
    await expect(query).rejects.toThrow(/multiple commands/);
  });

  it('cannot change its role inside a statement', async () => {
    const query = TenantContext.run(acme, () =>
      dataSource.query(`SELECT set_config('role', '${globex.schema}', true)`),
    );
    await expect(query).rejects.toThrow(QueryFailedError);
  });

  it('cannot read the central schema, nor can central code read a tenant', async () => {
    await expect(
      TenantContext.run(acme, () => dataSource.query('SELECT * FROM tenantry.tenants')),
    ).rejects.toThrow(/permission denied/);
    await expect(
      TenantContext.runCentral(() => dataSource.query(`SELECT * FROM "${acme.schema}".note`)),
    ).rejects.toThrow(/permission denied/);
  });
});
