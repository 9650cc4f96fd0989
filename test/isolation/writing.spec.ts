import { BaseEntity, Column, DeleteDateColumn, Entity, PrimaryColumn, type DataSource } from 'typeorm';
import { describeSurface, numberOf, type SurfaceCase } from './surface.js';

@Entity()
class Stock extends BaseEntity {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;

  @Column('int', { default: 0 })
  amount!: number;

  @DeleteDateColumn()
  deletedAt!: Date | null;
}

const seed = (name: string): string => `
  INSERT INTO stock (id, name, amount) VALUES (1, 'stock of ${name}', ${numberOf(name)}), (2, 'second of ${name}', 0);`;

const stocks = (db: DataSource) => db.getRepository(Stock);
const rows = async (db: DataSource) =>
  (await stocks(db).find({ order: { id: 'ASC' } })).map(({ name, amount }) => `${name}: ${amount}`);
const state =
  (...of: readonly ((s: string) => string)[]) =>
  (s: string) =>
    of.map((row) => row(s));
const one = (s: string): string => `stock of ${s}: ${numberOf(s)}`;
const two = (s: string): string => `second of ${s}: 0`;

const some = (from: number) => Array.from({ length: 5 }, (_, n) => ({ id: from + n, name: `${from + n}` }));

/** Each does its work, and then says what rows the tenant has. */
const WORK: readonly (readonly [string, (db: DataSource) => Promise<unknown>, (s: string) => unknown])[] = [
  ['save of a new entity', (db) => stocks(db).save({ id: 3, name: 'new' }), state(one, two, () => 'new: 0')],
  [
    'save of a loaded entity',
    async (db) => {
      const stock = await stocks(db).findOneByOrFail({ id: 1 });
      stock.amount += 1;
      await stocks(db).save(stock);
    },
    state((s) => `stock of ${s}: ${numberOf(s) + 1}`, two),
  ],
  [
    'save in chunks, with and without a transaction',
    async (db) => {
      await stocks(db).save(some(10), { chunk: 2 });
      await stocks(db).save(some(20), { chunk: 2, transaction: false });
      await stocks(db).delete([11, 12, 13, 14, 21, 22, 23, 24]);
    },
    state(
      one,
      two,
      () => '10: 0',
      () => '20: 0',
    ),
  ],
  ['insert', (db) => stocks(db).insert({ id: 3, name: 'new' }), state(one, two, () => 'new: 0')],
  ['update', (db) => stocks(db).update(2, { amount: 7 }), state(one, (s) => `second of ${s}: 7`)],
  [
    'updateAll',
    (db) => stocks(db).updateAll({ amount: 7 }),
    state(
      (s) => `stock of ${s}: 7`,
      (s) => `second of ${s}: 7`,
    ),
  ],
  ['delete', (db) => stocks(db).delete({ id: 2 }), state(one)],
  ['remove', async (db) => stocks(db).remove(await stocks(db).findOneByOrFail({ id: 2 })), state(one)],
  [
    'upsert',
    (db) =>
      stocks(db).upsert(
        [
          { id: 2, name: 'again' },
          { id: 3, name: 'new' },
        ],
        ['id'],
      ),
    state(
      one,
      () => 'again: 0',
      () => 'new: 0',
    ),
  ],
  [
    'orIgnore',
    (db) =>
      db
        .createQueryBuilder()
        .insert()
        .into(Stock)
        .values([
          { id: 1, name: 'ignored' },
          { id: 3, name: 'new' },
        ])
        .orIgnore()
        .execute(),
    state(one, two, () => 'new: 0'),
  ],
  [
    'orUpdate',
    (db) =>
      db
        .createQueryBuilder()
        .insert()
        .into(Stock)
        .values({ id: 2, name: 'again' })
        .orUpdate(['name'], ['id'])
        .execute(),
    state(one, () => 'again: 0'),
  ],
  [
    'increment and decrement',
    async (db) => {
      await stocks(db).increment({ id: 1 }, 'amount', 5);
      await stocks(db).decrement({ id: 1 }, 'amount', 2);
    },
    state((s) => `stock of ${s}: ${numberOf(s) + 3}`, two),
  ],
  ['softDelete', (db) => stocks(db).softDelete(2), state(one)],
  [
    'softRemove and recover',
    async (db) => {
      const both = await stocks(db).find();
      await stocks(db).softRemove(both);
      await stocks(db).recover(both.filter(({ id }) => id === 1));
    },
    state(one),
  ],
  [
    'softDelete and restore',
    async (db) => {
      await stocks(db).softDelete([1, 2]);
      await stocks(db).restore({ id: 1 });
    },
    state(one),
  ],
  [
    'preload',
    async (db) => stocks(db).save((await stocks(db).preload({ id: 1, amount: 3 }))!),
    state((s) => `stock of ${s}: 3`, two),
  ],
  [
    'raw SQL',
    (db) => db.query('UPDATE stock SET amount = $1 WHERE id = 2', [9]),
    state(one, (s) => `second of ${s}: 9`),
  ],
  [
    'a data-modifying common table expression',
    (db) =>
      db.query(
        'WITH gone AS (DELETE FROM stock WHERE id = 2 RETURNING *) INSERT INTO stock SELECT id + 1, name, amount FROM gone',
      ),
    state(one, two),
  ],
  [
    'active record',
    async () => {
      const stock = await Stock.findOneByOrFail({ id: 1 });
      stock.amount = 8;
      await stock.save();
      await (await Stock.findOneByOrFail({ id: 2 })).remove();
      await Object.assign(new Stock(), { id: 3, name: 'new' }).save();
    },
    state(
      (s) => `stock of ${s}: 8`,
      () => 'new: 0',
    ),
  ],
];

const CASES: readonly SurfaceCase[] = [
  ...WORK.map(([name, work, own]): SurfaceCase => ({
    name,
    run: async (db) => {
      await work(db);
      return rows(db);
    },
    own,
    writes: true,
    onlyRouted: name === 'active record' ? 'the class knows one data source, the routed one' : '',
  })),
  {
    name: 'withDeleted',
    run: async (db) => {
      await stocks(db).softDelete([1, 2]);
      return [
        await rows(db),
        (await stocks(db).find({ withDeleted: true, order: { id: 'ASC' } })).map(({ name }) => name),
      ];
    },
    own: (s) => [[], [`stock of ${s}`, `second of ${s}`]],
    writes: true,
  },
  {
    name: 'RETURNING of insert, update, soft delete, restore and delete',
    run: async (db) => {
      const builder = () => db.createQueryBuilder();
      const results = [
        await builder()
          .insert()
          .into(Stock)
          .values({ id: 3, name: () => `(SELECT name FROM stock WHERE id = 1)` })
          .returning('*')
          .execute(),
        await builder()
          .update(Stock)
          .set({ amount: () => 'amount + 1' })
          .where({ id: 1 })
          .returning(['name', 'amount'])
          .execute(),
        await builder().softDelete().from(Stock).where({ id: 1 }).returning('name').execute(),
        await builder().restore().from(Stock).where({ id: 1 }).returning('amount').execute(),
        await builder().delete().from(Stock).where({ id: 1 }).returning('name').execute(),
      ];
      return results.map(({ raw }) => [raw[0].name, raw[0].amount]);
    },
    own: (s) => [
      [`stock of ${s}`, 0],
      [`stock of ${s}`, numberOf(s) + 1],
      [`stock of ${s}`, undefined],
      [undefined, numberOf(s) + 1],
      [`stock of ${s}`, undefined],
    ],
    writes: true,
  },
];

const surface = describeSurface('writing', { entities: [Stock], seed, cases: CASES });

describe('clear()', () => {
  it("is a TRUNCATE, which a tenant's role may not do, and empties nothing", async () => {
    const { dataSource, acme, as } = surface;
    await expect(as(acme, () => stocks(dataSource).clear())).rejects.toThrow(/permission denied/);
    expect(await as(acme, () => rows(dataSource))).toHaveLength(2);
  });

  it('has deleteAll() for a substitute, which empties the table of one tenant', async () => {
    const { dataSource, acme, globex, as, reset } = surface;
    await as(acme, () => stocks(dataSource).deleteAll());
    expect(await as(acme, () => rows(dataSource))).toEqual([]);
    expect(await as(globex, () => rows(dataSource))).toHaveLength(2);
    await reset();
  });
});
