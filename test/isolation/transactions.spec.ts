import { Column, Entity, PrimaryColumn, VersionColumn, type DataSource } from 'typeorm';
import { describeSurface, numberOf, type SurfaceCase } from './surface.js';

@Entity()
class Account {
  @PrimaryColumn('int')
  id!: number;

  @Column('int')
  balance!: number;

  @VersionColumn()
  version!: number;
}

const seed = (name: string): string =>
  `INSERT INTO account (id, balance, version) VALUES (1, ${numberOf(name)}, ${numberOf(name)});`;

const accounts = (db: DataSource) => db.getRepository(Account);
const balance = async (db: DataSource) => (await accounts(db).findOneByOrFail({ id: 1 })).balance;
const deposit = (db: Pick<DataSource['manager'], 'getRepository'>) =>
  db.getRepository(Account).increment({ id: 1 }, 'balance', 1);
const ISOLATION_LEVELS = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;
const LOCKS = ['pessimistic_read', 'pessimistic_write', 'for_no_key_update', 'for_key_share'] as const;

const CASES: readonly SurfaceCase[] = [
  {
    name: 'a transaction that commits',
    run: async (db) => {
      await db.transaction((manager) => deposit(manager));
      return balance(db);
    },
    own: (s) => numberOf(s) + 1,
    writes: true,
  },
  {
    name: 'a transaction that rolls back',
    run: async (db) => {
      const inside: number[] = [];
      const failing = db.transaction(async (manager) => {
        await deposit(manager);
        inside.push((await manager.findOneByOrFail(Account, { id: 1 })).balance);
        throw new Error('changed my mind');
      });
      await failing.catch((error: Error) => {
        if (error.message !== 'changed my mind') throw error;
      });
      return [inside, await balance(db)];
    },
    own: (s) => [[numberOf(s) + 1], numberOf(s)],
    writes: true,
  },
  ...ISOLATION_LEVELS.map((level): SurfaceCase => ({
    name: `a transaction that is ${level}`,
    run: async (db) =>
      db.transaction(level, async (manager) => {
        const [row] = await manager.query('SHOW transaction_isolation');
        await deposit(manager);
        return [
          row.transaction_isolation.toUpperCase(),
          (await manager.findOneByOrFail(Account, { id: 1 })).balance,
        ];
      }),
    own: (s) => [level, numberOf(s) + 1],
    writes: true,
  })),
  {
    name: 'a nested transaction that is rolled back to its savepoint',
    run: async (db) => {
      await db.transaction(async (manager) => {
        await deposit(manager);
        const nested = manager.transaction(async (inner) => {
          await deposit(inner);
          throw new Error('only the inner one');
        });
        await nested.catch(() => {});
      });
      return balance(db);
    },
    own: (s) => numberOf(s) + 1,
    writes: true,
  },
  {
    name: 'a query runner with transaction, savepoint and release',
    run: async (db) => {
      const runner = db.createQueryRunner();
      try {
        await runner.startTransaction('REPEATABLE READ');
        await deposit(runner.manager);
        await runner.startTransaction();
        await deposit(runner.manager);
        await runner.rollbackTransaction();
        await runner.commitTransaction();
      } finally {
        await runner.release();
      }
      return balance(db);
    },
    own: (s) => numberOf(s) + 1,
    writes: true,
  },
  ...LOCKS.map((mode): SurfaceCase => ({
    name: `the lock ${mode} with NOWAIT on a row of the same id`,
    run: (db) =>
      db.transaction(async (manager) => {
        const locked = await manager.findOneOrFail(Account, {
          where: { id: 1 },
          lock: { mode, onLocked: 'nowait' },
        });
        return locked.balance;
      }),
    own: numberOf,
    writes: true,
  })),
  {
    name: 'an optimistic lock',
    run: async (db) => {
      const { version } = await accounts(db).findOneByOrFail({ id: 1 });
      const lock = (expected: number) =>
        accounts(db).findOne({ where: { id: 1 }, lock: { mode: 'optimistic', version: expected } });
      return [(await lock(version))?.version, await lock(version + 1).catch((error: Error) => error.name)];
    },
    own: (s) => [numberOf(s), 'OptimisticLockVersionMismatchError'],
  },
];

const surface = describeSurface('transactions and locks', { entities: [Account], seed, cases: CASES });

const lockNow = (db: DataSource) => (): Promise<Account> =>
  db.transaction((manager) =>
    manager.findOneOrFail(Account, {
      where: { id: 1 },
      lock: { mode: 'pessimistic_write', onLocked: 'nowait' },
    }),
  );

/** Holds the row of a tenant for as long as `meanwhile` takes. */
async function holding(meanwhile: () => Promise<void>): Promise<void> {
  const { dataSource, acme, as } = surface;
  await as(acme, () =>
    dataSource.transaction(async (manager) => {
      await manager.findOneOrFail(Account, { where: { id: 1 }, lock: { mode: 'pessimistic_write' } });
      await meanwhile();
    }),
  );
}

const withTimeout = (db: DataSource) =>
  db.transaction(async (manager) => {
    await manager.query(`SET LOCAL lock_timeout = '20ms'`);
    await deposit(manager);
  });

const free = (db: DataSource) =>
  db.transaction((manager) =>
    manager.find(Account, { lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' } }),
  );

describe('a pessimistic lock', () => {
  it('keeps others of its tenant out, and lets another tenant lock the row of the same id', async () => {
    const { database, dataSource, acme, globex, as } = surface;
    const elsewhere = database.dataSource.views.forTenant(acme);
    await holding(async () => {
      await expect(as(acme, lockNow(elsewhere))).rejects.toThrow(/could not obtain lock/);
      expect((await as(globex, lockNow(dataSource))).balance).toBe(100);
    });
    expect((await as(acme, lockNow(dataSource))).balance).toBe(1);
  });

  it('runs into lock_timeout within its tenant only', async () => {
    const { database, globex, acme } = surface;
    const { views } = database.dataSource;
    await holding(async () => {
      await expect(withTimeout(views.forTenant(acme))).rejects.toThrow(/lock timeout/);
      await expect(withTimeout(views.forTenant(globex))).resolves.toBeUndefined();
    });
    await surface.reset();
  });

  it('with SKIP LOCKED skips what its own tenant holds', async () => {
    const { database, acme, globex } = surface;
    const { views } = database.dataSource;
    await holding(async () => {
      expect(await free(views.forTenant(acme))).toEqual([]);
      expect(await free(views.forTenant(globex))).toHaveLength(1);
    });
  });
});
