import {
  AfterLoad,
  BeforeInsert,
  BeforeUpdate,
  Column,
  DeleteDateColumn,
  Entity,
  EventSubscriber,
  PrimaryColumn,
  type DataSource,
  type EntityManager,
  type EntitySubscriberInterface,
  type QueryRunner,
} from 'typeorm';
import { TenantContext } from '@tenantry/core';
import { describeSurface, type SurfaceCase } from './surface.js';

@Entity()
class Letter {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  text!: string;

  @Column('text', { nullable: true })
  stamp!: string | null;

  @DeleteDateColumn()
  deletedAt!: Date | null;

  loadedAs!: string;

  @BeforeInsert()
  @BeforeUpdate()
  stampIt(): void {
    this.stamp = `stamped for ${slugInForce()}`;
  }

  @AfterLoad()
  noteLoading(): void {
    this.loadedAs = slugInForce();
  }
}

@Entity()
class Owner {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;
}

function slugInForce(): string {
  const state = TenantContext.state();
  return state.kind === 'tenant' ? state.tenant.slug : state.kind;
}

interface SeenEvent {
  readonly manager: EntityManager;
  readonly queryRunner: QueryRunner;
}

/** What each event saw of the database through its manager, by the tenant in force. */
const seen: string[] = [];

async function see(event: string, { manager, queryRunner }: SeenEvent): Promise<void> {
  const { name } = await manager.findOneByOrFail(Owner, { id: 1 });
  const [row] = await queryRunner.query('SELECT name FROM owner');
  expect(row.name).toBe(name);
  seen.push(`${event}: ${name} for ${slugInForce()}`);
}

const ENTITY_EVENTS = [
  'beforeInsert',
  'afterInsert',
  'beforeUpdate',
  'afterUpdate',
  'beforeSoftRemove',
  'afterSoftRemove',
  'beforeRecover',
  'afterRecover',
  'beforeRemove',
  'afterRemove',
] as const;
const TRANSACTION_EVENTS = [
  'afterTransactionStart',
  'beforeTransactionCommit',
  'afterTransactionCommit',
  'beforeTransactionRollback',
  'afterTransactionRollback',
] as const;

@EventSubscriber()
class SeesEverything implements EntitySubscriberInterface {
  afterLoad(entity: object): void {
    if (entity instanceof Letter) seen.push(`afterLoad: ${entity.text} for ${slugInForce()}`);
  }

  afterQuery({ query }: { query: string }): void {
    if (query.includes('marked')) seen.push(`afterQuery: for ${slugInForce()}`);
  }
}

for (const name of ENTITY_EVENTS) {
  Object.assign(SeesEverything.prototype, {
    [name]: async (event: SeenEvent & { metadata: { target: unknown } }): Promise<void> => {
      if (event.metadata.target === Letter) await see(name, event);
    },
  });
}
for (const name of TRANSACTION_EVENTS) {
  Object.assign(SeesEverything.prototype, {
    [name]: async (event: SeenEvent): Promise<void> => see(name, event),
  });
}

/** What the events of this tenant saw while `work` ran. */
async function eventsOf(work: () => Promise<unknown>): Promise<string[]> {
  const from = seen.length;
  await work();
  return seen.slice(from).filter((line) => line.endsWith(`for ${slugInForce()}`));
}

const letters = (db: DataSource) => db.getRepository(Letter);
const both = (name: string) => (s: string) =>
  [`before${name}`, `after${name}`].map((event) => `${event}: owner of ${s} for ${s}`);
const ofEntity = (lines: string[]): string[] =>
  lines.filter((line) => /^(?:before|after)(?:Insert|Update|SoftRemove|Recover|Remove):/.test(line));

const WORK: readonly (readonly [string, (db: DataSource) => Promise<unknown>])[] = [
  ['Insert', (db) => letters(db).save(letters(db).create({ id: 9, text: 'new' }))],
  [
    'Update',
    async (db) => {
      const letter = await letters(db).findOneByOrFail({ id: 1 });
      letter.text += '!';
      await letters(db).save(letter);
    },
  ],
  ['SoftRemove', async (db) => letters(db).softRemove(await letters(db).findOneByOrFail({ id: 1 }))],
  [
    'Recover',
    async (db) =>
      letters(db).recover(await letters(db).findOneOrFail({ where: { id: 2 }, withDeleted: true })),
  ],
  ['Remove', async (db) => letters(db).remove(await letters(db).findOneByOrFail({ id: 1 }))],
];

const CASES: readonly SurfaceCase[] = [
  ...WORK.map(([name, work]): SurfaceCase => ({
    name: `the events before and after ${name}`,
    run: async (db) => ofEntity(await eventsOf(() => work(db))),
    own: both(name),
    writes: true,
  })),
  {
    name: 'the events of query builders',
    run: async (db) =>
      ofEntity(
        await eventsOf(async () => {
          await db.createQueryBuilder().insert().into(Letter).values({ id: 9, text: 'new' }).execute();
          await db.createQueryBuilder().update(Letter).set({ text: 'x' }).where({ id: 9 }).execute();
          await db.createQueryBuilder().delete().from(Letter).where({ id: 9 }).execute();
        }),
      ),
    own: (s) => ['Insert', 'Update', 'Remove'].flatMap((name) => both(name)(s)),
    writes: true,
  },
  {
    name: 'the events of a transaction that commits',
    run: (db) => eventsOf(() => db.transaction((manager) => manager.query('SELECT 1'))),
    own: (s) =>
      ['afterTransactionStart', 'beforeTransactionCommit', 'afterTransactionCommit'].map(
        (event) => `${event}: owner of ${s} for ${s}`,
      ),
    writes: true,
  },
  {
    name: 'the events of a transaction that rolls back',
    run: (db) =>
      eventsOf(async () => {
        const runner = db.createQueryRunner();
        try {
          await runner.startTransaction();
          await runner.rollbackTransaction();
        } finally {
          await runner.release();
        }
      }),
    own: (s) =>
      ['afterTransactionStart', 'beforeTransactionRollback', 'afterTransactionRollback'].map(
        (event) => `${event}: owner of ${s} for ${s}`,
      ),
    writes: true,
  },
  {
    name: 'the events after loading and after a query',
    run: (db) =>
      eventsOf(async () => {
        await letters(db).findBy({ id: 1 });
        await db.query('SELECT 1 AS marked');
      }),
    own: (s) => [`afterLoad: letter of ${s} for ${s}`, `afterQuery: for ${s}`],
    writes: true,
  },
  {
    name: "an entity's own listeners",
    run: async (db) => {
      await letters(db).save(letters(db).create({ id: 9, text: 'new' }));
      const { stamp, loadedAs } = await letters(db).findOneByOrFail({ id: 9 });
      const first = await letters(db).findOneByOrFail({ id: 1 });
      return [first.text, stamp, loadedAs];
    },
    own: (s) => [`letter of ${s}`, `stamped for ${s}`, s],
    writes: true,
  },
];

const surface = describeSurface('events', {
  entities: [Letter, Owner],
  seed: (name) => `
    INSERT INTO letter (id, text) VALUES (1, 'letter of ${name}');
    INSERT INTO letter (id, text, "deletedAt") VALUES (2, 'gone', now());
    INSERT INTO owner VALUES (1, 'owner of ${name}');`,
  cases: CASES.map((given) =>
    Object.assign(given, { onlyRouted: 'a view ignores the context, and these tell it' }),
  ),
  typeorm: { subscribers: [SeesEverything] },
});

describe('the events of a pinned view', () => {
  it('see the rows of the view, while the context remains that of the caller', async () => {
    const { database, acme, globex, as, reset } = surface;
    const view = database.dataSource.views.forTenant(acme);
    const lines = await as(globex, () =>
      eventsOf(() => view.getRepository(Letter).insert({ id: 9, text: 'new' })),
    );
    expect(ofEntity(lines)).toEqual([
      'beforeInsert: owner of acme for globex',
      'afterInsert: owner of acme for globex',
    ]);
    await reset();
  });
});
