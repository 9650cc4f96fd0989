import { TenantContext, type Tenant } from '@tenantry/core';
import { EventSubscriber, type EntitySubscriberInterface, type InsertEvent } from 'typeorm';
import { Author, Book, Note, Shelf } from '../../../../test/isolation/library.js';
import { TenantRepository, TransactionMissingError } from '../../src/index.js';
import { openWorld, type World } from './world.js';

/** Writes beside what it hears of, by the manager of the event. */
@EventSubscriber()
class WritesBeside implements EntitySubscriberInterface<Shelf> {
  listenTo(): typeof Shelf {
    return Shelf;
  }

  async afterInsert({ entity, manager }: InsertEvent<Shelf>): Promise<void> {
    await manager.insert(Note, { id: entity.id, text: entity.label });
  }
}

let world: World;

beforeAll(async () => {
  world = await openWorld({ typeorm: { subscribers: [WritesBeside], poolSize: 8 } });
});
afterEach(() => world.reset());
afterAll(() => world.close());

class Notes extends TenantRepository(Note) {
  write(id: number): Promise<unknown> {
    return this.insert({ id, text: 'x' });
  }
}

/** Every way to write a note. */
const WRITES: readonly (readonly [string, (id: number) => Promise<unknown>])[] = [
  ['a repository', (id) => world.dataSource.getRepository(Note).save({ id, text: 'x' })],
  ['the entity manager', (id) => world.dataSource.manager.save(Note, { id, text: 'x' })],
  [
    'a query builder',
    (id) => world.dataSource.createQueryBuilder().insert().into(Note).values({ id, text: 'x' }).execute(),
  ],
  [
    "a repository's query builder",
    (id) =>
      world.dataSource.getRepository(Note).createQueryBuilder().insert().values({ id, text: 'x' }).execute(),
  ],
  ['dataSource.query', (id) => world.dataSource.query(`INSERT INTO note VALUES ($1, 'x')`, [id])],
  ['dataSource.sql', (id) => world.dataSource.sql`INSERT INTO note VALUES (${id}, 'x')`],
  ['active record', (id) => Object.assign(new Note(), { id, text: 'x' }).save()],
  ['a TenantRepository', (id) => new Notes(world.dataSource).write(id)],
  ['TenantDatabase.execute', (id) => world.sql.execute(`INSERT INTO note VALUES ($1, 'x')`, [id])],
  ['TenantDatabase.query', (id) => world.sql.query(`INSERT INTO note VALUES ($1, 'x') RETURNING id`, [id])],
  [
    'TenantDatabase.transaction',
    (id) => world.sql.transaction((sql) => sql.execute(`INSERT INTO note VALUES ($1, 'x')`, [id])),
  ],
  [
    'dataSource.transaction',
    (id) => world.dataSource.transaction((manager) => manager.insert(Note, { id, text: 'x' })),
  ],
  [
    'dataSource.transaction, by a repository beside the manager it is given',
    (id) => world.dataSource.transaction(() => Note.insert({ id, text: 'x' })),
  ],
  [
    "a repository's manager.transaction",
    (id) => Note.getRepository().manager.transaction((manager) => manager.insert(Note, { id, text: 'x' })),
  ],
  [
    'a transaction in a transaction of the entity manager',
    (id) =>
      world.dataSource.transaction((outer) =>
        outer.transaction(() =>
          world.dataSource.transaction((inner) => inner.insert(Note, { id, text: 'x' })),
        ),
      ),
  ],
  [
    'a query runner with a transaction of its own',
    async (id) => {
      const runner = world.dataSource.createQueryRunner();
      try {
        await runner.connect();
        await runner.startTransaction();
        await runner.manager.insert(Note, { id, text: 'x' });
        await runner.commitTransaction();
      } finally {
        await runner.release();
      }
    },
  ],
  [
    'a query runner that is disposed of',
    async (id) => {
      const runner = world.dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.startTransaction();
      await runner.manager.insert(Note, { id, text: 'x' });
      await runner[Symbol.asyncDispose]();
    },
  ],
  ['a subscriber', (id) => world.dataSource.getRepository(Shelf).insert({ id, label: 'x' })],
];

const ROLLED_BACK = new Error('rolled back on purpose');

/** Both tenants at once, each seeing its own write inside, and nobody anything outside, before and after. */
async function expectToTakePart(write: (id: number) => Promise<unknown>): Promise<void> {
  const seen = await Promise.all(
    [world.acme, world.globex].map((tenant) =>
      TenantContext.run(tenant, async () => {
        const inside: unknown[] = [];
        const run = world.transactions.run(async (manager) => {
          await write(10);
          inside.push(await manager.existsBy(Note, { id: 10 }), await Note.existsBy({ id: 10 }));
          throw ROLLED_BACK;
        });
        await expect(run).rejects.toBe(ROLLED_BACK);
        return inside;
      }),
    ),
  );
  expect(seen).toEqual([
    [true, true],
    [true, true],
  ]);
  expect(await world.notesOf(world.acme)).toEqual([]);
  expect(await world.notesOf(world.globex)).toEqual([]);
}

async function removeShelves(): Promise<void> {
  for (const tenant of [world.acme, world.globex])
    await TenantContext.run(tenant, () => world.dataSource.query('DELETE FROM shelf WHERE id > 1'));
}

describe('a transaction', () => {
  test.each(WRITES)('takes in what is written by %s', async (_, write) => {
    await expectToTakePart(write);
  });

  test.each(WRITES)('would be caught by this suite if %s went around it', async (_, write) => {
    const around = (id: number): Promise<unknown> =>
      world.transactions.run(() => write(id), { propagation: 'not-supported' });
    await expect(expectToTakePart(around)).rejects.toThrow(/toEqual/);
    await removeShelves();
  });

  test.each(WRITES)('keeps what is written by %s when it is committed', async (_, write) => {
    await Promise.all(
      [world.acme, world.globex].map((tenant) =>
        TenantContext.run(tenant, () => world.transactions.run(() => write(10))),
      ),
    );
    expect(await world.notesOf(world.acme)).toEqual(['10 x']);
    expect(await world.notesOf(world.globex)).toEqual(['10 x']);
    await removeShelves();
  });

  it('undoes, on its own, what a transaction of the entity manager inside of it wrote', async () => {
    await inAcme(async () => {
      await Note.insert({ id: 2, text: 'kept' });
      const inner = world.dataSource.transaction(async () => {
        await Note.insert({ id: 3, text: 'undone' });
        throw ROLLED_BACK;
      });
      await expect(inner).rejects.toBe(ROLLED_BACK);
    });
    expect(await world.notesOf(world.acme)).toEqual(['2 kept']);
  });

  it('undoes what a query runner inside of it left open', async () => {
    await inAcme(async () => {
      const runner = world.dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.insert(Note, { id: 2, text: 'undone' });
      await runner.release();
      await Note.insert({ id: 3, text: 'kept' });
    });
    expect(await world.notesOf(world.acme)).toEqual(['3 kept']);
  });

  it('is not ended by a query runner inside of it that started none', async () => {
    await inAcme(async () => {
      const runner = world.dataSource.createQueryRunner();
      await Note.insert({ id: 2, text: 'kept' });
      await expect(runner.rollbackTransaction()).rejects.toThrow(TransactionMissingError);
      await expect(runner.commitTransaction()).rejects.toThrow(TransactionMissingError);
    });
    expect(await world.notesOf(world.acme)).toEqual(['2 kept']);
  });

  it('streams its own rows', async () => {
    const texts = await inAcme(async () => {
      await Note.insert({ id: 2, text: 'fresh' });
      const rows: unknown[] = [];
      for await (const row of await Note.createQueryBuilder('n').orderBy('n.id').stream())
        rows.push((row as { n_text: string }).n_text);
      return rows;
    });
    expect(texts).toEqual(['note of acme', 'fresh']);
    await inAcme(async () => Note.delete({ id: 2 }));
  });

  it('saves many entities at once on its one connection', async () => {
    await inAcme(async () => {
      await Promise.all([2, 3, 4, 5, 6].map((id) => Note.save({ id, text: 'x' } as Note)));
      expect(await Note.count()).toBe(6);
    });
    expect(await world.notesOf(world.acme)).toHaveLength(5);
  });
});

function load(id: number): Promise<Book> {
  return world.dataSource.getRepository(Book).findOneByOrFail({ id });
}

describe('a lazy relation', () => {
  it('sees what its transaction wrote, however its entity was loaded', async () => {
    const before = await TenantContext.run(world.acme, () => load(1));
    const labels = await inAcme(async (manager) => {
      await manager.query(`UPDATE author SET name = 'renamed' WHERE id = 2`);
      const [byManager, byRepository] = [await manager.findOneByOrFail(Book, { id: 1 }), await load(1)];
      const names = [before, byManager, byRepository].map(async (book) => (await book.translator)?.name);
      const result = await Promise.all(names);
      await manager.query(`UPDATE author SET name = 'translator of acme' WHERE id = 2`);
      return result;
    });
    expect(labels).toEqual(['renamed', 'renamed', 'renamed']);
  });

  it('loads after the transaction its entity was loaded in, and from where it came', async () => {
    const books = await inAcme(async (manager) => [
      await manager.findOneByOrFail(Book, { id: 1 }),
      await load(1),
    ]);
    const names = await TenantContext.run(world.globex, () =>
      Promise.all(books.map(async (book) => (await book.translator)?.name)),
    );
    expect(names).toEqual(['translator of acme', 'translator of acme']);
  });

  it('loads from its own tenant inside the transaction of another', async () => {
    const name = await inAcme(async (manager) => {
      const book = await manager.findOneByOrFail(Book, { id: 1 });
      return TenantContext.run(world.globex, () =>
        world.transactions.run(async (other) => {
          await other.update(Author, { id: 2 }, { name: 'somebody else' });
          return (await book.translator)?.name;
        }),
      );
    });
    expect(name).toBe('translator of acme');
  });
});

function inAcme<T>(
  fn: Parameters<typeof world.transactions.run<T>>[0],
  tenant: Tenant = world.acme,
): Promise<T> {
  return TenantContext.run(tenant, () => world.transactions.run(fn));
}
