import {
  BaseEntity,
  Column,
  Entity,
  In,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  type DataSource,
  type Relation,
} from 'typeorm';
import { describeSurface, numberOf, type SurfaceCase } from './surface.js';

@Entity()
class Customer {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;
}

/** Active record. */
@Entity()
class Order extends BaseEntity {
  @PrimaryColumn('int')
  id!: number;

  @Column('int')
  total!: number;

  @ManyToOne(() => Customer)
  @JoinColumn({ name: 'customerId' })
  customer!: Relation<Customer>;

  @Column('int')
  customerId!: number;

  static ofCustomer(name: string): Promise<Order[]> {
    return this.createQueryBuilder('o')
      .innerJoin('o.customer', 'c')
      .where('c.name = :name', { name })
      .getMany();
  }
}

const seed = (name: string): string => `
  INSERT INTO customer VALUES (1, 'customer of ${name}'), (2, 'other');
  INSERT INTO "order" (id, total, "customerId") SELECT n, ${numberOf(name)} * n, 1 + n % 2 FROM generate_series(1, 40) n;`;

const orders = (db: DataSource) => db.getRepository(Order);
const customers = (db: DataSource) => db.getRepository(Customer);
const first = (s: string) => numberOf(s);

async function collect(stream: AsyncIterable<unknown>, most = Infinity): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of stream) {
    rows.push(row);
    if (rows.length >= most) break;
  }
  return rows;
}

const stream = (db: DataSource) =>
  orders(db).createQueryBuilder('o').select('o.total', 'total').orderBy('o.id').stream();

const CASES: readonly SurfaceCase[] = [
  {
    name: 'find',
    run: async (db) => (await orders(db).find({ order: { id: 'ASC' } }))[0]?.total,
    own: first,
  },
  {
    name: 'findBy',
    run: async (db) => (await orders(db).findBy({ id: In([1]) })).map(({ total }) => total),
    own: (s) => [first(s)],
  },
  {
    name: 'findOneOrFail',
    run: async (db) => (await orders(db).findOneOrFail({ where: { id: 1 } })).total,
    own: first,
  },
  {
    name: 'the entity manager',
    run: async (db) => (await db.manager.findOneByOrFail(Order, { id: 1 })).total,
    own: first,
  },
  {
    name: 'a repository of a transaction',
    run: (db) =>
      db.transaction(
        async (manager) => (await manager.getRepository(Order).findOneByOrFail({ id: 1 })).total,
      ),
    own: first,
  },
  {
    name: 'findAndCount with a page of a joined relation',
    run: async (db) => {
      const [page, count] = await orders(db).findAndCount({
        where: { customer: { id: 1 } },
        relations: { customer: true },
        order: { id: 'ASC' },
        skip: 1,
        take: 1,
      });
      return [page.map(({ total, customer }) => [total, customer.name]), count];
    },
    own: (s) => [[[4 * numberOf(s), `customer of ${s}`]], 20],
  },
  {
    name: 'select of some columns',
    run: async (db) => orders(db).findOne({ where: { id: 1 }, select: { total: true } }),
    own: (s) => ({ total: numberOf(s) }),
  },
  {
    name: 'count, countBy, exists and existsBy',
    run: async (db) => {
      const where = { name: `customer of acme` };
      return [
        await customers(db).count({ where }),
        await customers(db).countBy(where),
        await customers(db).exists({ where }),
        await customers(db).existsBy(where),
      ];
    },
    own: (s) => (s === 'acme' ? [1, 1, true, true] : [0, 0, false, false]),
  },
  {
    name: 'sum, average, minimum and maximum',
    run: async (db) => [
      await orders(db).sum('total'),
      await orders(db).average('total'),
      await orders(db).minimum('total'),
      await orders(db).maximum('total'),
    ],
    own: (s) => [820, 20.5, 1, 40].map((of) => of * numberOf(s)),
  },
  {
    name: 'a query builder with a join and grouping',
    run: (db) =>
      orders(db)
        .createQueryBuilder('o')
        .innerJoin('o.customer', 'c')
        .select('c.name', 'name')
        .addSelect('count(*)::int', 'count')
        .where('c.id = :id', { id: 1 })
        .groupBy('c.name')
        .getRawMany(),
    own: (s) => [{ name: `customer of ${s}`, count: 20 }],
  },
  {
    name: 'getManyAndCount, getCount and getExists',
    run: async (db) => {
      const query = customers(db).createQueryBuilder('c').where('c.name LIKE :name', { name: '%acme' });
      return [(await query.getManyAndCount())[1], await query.getCount(), await query.getExists()];
    },
    own: (s) => (s === 'acme' ? [1, 1, true] : [0, 0, false]),
  },
  {
    name: 'getRawAndEntities',
    run: async (db) => {
      const { raw, entities } = await customers(db)
        .createQueryBuilder('c')
        .where('c.id = 1')
        .getRawAndEntities();
      return [raw[0].c_name, entities[0]?.name];
    },
    own: (s) => [`customer of ${s}`, `customer of ${s}`],
  },
  {
    name: 'a subquery in FROM and in WHERE',
    run: (db) =>
      db
        .createQueryBuilder()
        .select('max(s.total)::int', 'max')
        .from(
          (sub) =>
            sub
              .select('o.total', 'total')
              .from(Order, 'o')
              .where(
                `o.customerId IN ${sub.subQuery().select('c.id').from(Customer, 'c').where('c.id = 1').getQuery()}`,
              ),
          's',
        )
        .getRawOne(),
    own: (s) => ({ max: 40 * numberOf(s) }),
  },
  {
    name: 'a common table expression, also a recursive one',
    run: async (db) => [
      await db
        .createQueryBuilder()
        .addCommonTableExpression(
          db.createQueryBuilder().select('max(o.total)::int', 'top').from(Order, 'o'),
          'best',
        )
        .select('best.top', 'top')
        .from('best', 'best')
        .getRawOne(),
      await db
        .createQueryBuilder()
        .addCommonTableExpression(
          `SELECT id, total FROM "order" WHERE id = 1 UNION ALL SELECT o.id, o.total FROM "order" o JOIN chain ON o.id = chain.id + 1 WHERE o.id < 4`,
          'chain',
          { recursive: true },
        )
        .select('sum(chain.total)::int', 'sum')
        .from('chain', 'chain')
        .getRawOne(),
    ],
    own: (s) => [{ top: 40 * numberOf(s) }, { sum: 6 * numberOf(s) }],
  },
  {
    name: 'setFindOptions',
    run: async (db) =>
      (
        await orders(db)
          .createQueryBuilder('o')
          .setFindOptions({ where: { id: 2 }, relations: { customer: true } })
          .getOneOrFail()
      ).customer.name,
    own: (s) => `customer of ${s}`,
  },
  {
    name: 'raw SQL',
    run: async (db) => (await db.query('SELECT total FROM "order" WHERE id = $1', [1]))[0].total,
    own: first,
  },
  {
    name: 'raw SQL of a repository',
    run: async (db) => (await orders(db).query('SELECT total FROM "order" ORDER BY id'))[0].total,
    own: first,
  },
  {
    name: 'the sql tag of data source, manager and repository',
    run: async (db) => {
      const id = 1;
      const found = await Promise.all([
        db.sql`SELECT total FROM "order" WHERE id = ${id}`,
        db.manager.sql`SELECT total FROM "order" WHERE id = ${id}`,
        orders(db).sql`SELECT total FROM "order" WHERE id = ${id}`,
      ]);
      return (found as { total: number }[][]).map(([row]) => row?.total);
    },
    own: (s) => [1, 1, 1].map((of) => of * numberOf(s)),
  },
  {
    name: 'a query runner',
    run: async (db) => {
      await using runner = db.createQueryRunner();
      return (await runner.manager.findOneByOrFail(Order, { id: 1 })).total;
    },
    own: first,
  },
  {
    name: 'a custom repository made with extend',
    run: async (db) => {
      const own = orders(db).extend({
        async largest() {
          return (await this.createQueryBuilder('o').orderBy('o.total', 'DESC').getOneOrFail()).total;
        },
      });
      const inTransaction = await db.transaction((manager) => manager.withRepository(own).largest());
      return [await own.largest(), inTransaction];
    },
    own: (s) => [40 * numberOf(s), 40 * numberOf(s)],
  },
  {
    name: 'active record and its static methods',
    run: async (db) => {
      Order.useDataSource(db);
      const order = await Order.findOneByOrFail({ id: 2 });
      await order.reload();
      return [order.total, (await Order.ofCustomer('customer of acme')).length];
    },
    own: (s) => [2 * numberOf(s), s === 'acme' ? 20 : 0],
  },
  {
    name: 'a stream read to its end',
    run: async (db) => collect(await stream(db)),
    own: (s) => Array.from({ length: 40 }, (_, n) => ({ total: numberOf(s) * (n + 1) })),
  },
  {
    name: 'a stream given up half-way, and a query behind it',
    run: async (db) => [
      await collect(await stream(db), 2),
      (await orders(db).findOneByOrFail({ id: 1 })).total,
    ],
    own: (s) => [[{ total: numberOf(s) }, { total: 2 * numberOf(s) }], numberOf(s)],
  },
];

const surface = describeSurface('reading', { entities: [Customer, Order], seed, cases: CASES });

describe('streams of two tenants', () => {
  it('keep apart when their rows are read in turn', async () => {
    const { dataSource, acme, globex, as } = surface;
    const streams = await Promise.all([acme, globex].map((tenant) => as(tenant, () => stream(dataSource))));
    const readers = streams.map((readable) => readable[Symbol.asyncIterator]());
    const sums = [0, 0];
    for (let row = 0; row < 40; row++) {
      for (const [at, reader] of readers.entries())
        sums[at]! += ((await reader.next()).value as { total: number }).total;
    }
    for (const reader of readers) await reader.return?.();
    expect(sums).toEqual([820, 82_000]);
  });

  it('leave no connection behind when one is given up half-way', async () => {
    const { dataSource, acme, globex, as } = surface;
    for (let round = 0; round < 6; round++) {
      await as(acme, async () => collect(await stream(dataSource), 1));
    }
    await expect(as(globex, () => orders(dataSource).sum('total'))).resolves.toBe(82_000);
  });
});
