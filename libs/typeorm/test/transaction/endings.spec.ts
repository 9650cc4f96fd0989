import { TenantContext } from '@tenantry/core';
import {
  EventSubscriber,
  QueryFailedError,
  type BeforeQueryEvent,
  type EntityManager,
  type EntitySubscriberInterface,
} from 'typeorm';
import { Book, Note } from '../../../../test/isolation/library.js';
import {
  NestedTransactionOpenError,
  TransactionEndedError,
  TransactionOptionsConflictError,
  TransactionRolledBackError,
  type TransactionOptions,
} from '../../src/index.js';
import { gate, openWorld, type World } from './world.js';

/** Takes its time over some statements, after they were asked for and before they are sent. */
@EventSubscriber()
class Dawdles implements EntitySubscriberInterface {
  async beforeQuery({ query }: BeforeQueryEvent): Promise<void> {
    if (query.includes('dawdling')) await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

let world: World;

beforeAll(async () => {
  world = await openWorld({ typeorm: { subscribers: [Dawdles] } });
});
afterEach(() => world.reset());
afterAll(() => world.close());

function inAcme<T>(fn: (manager: EntityManager) => Promise<T>, options?: TransactionOptions): Promise<T> {
  return TenantContext.run(world.acme, () => world.transactions.run(fn, options));
}

describe('the end of a transaction', () => {
  it('hands on what its function returned', async () => {
    expect(await inAcme(async () => 'result')).toBe('result');
  });

  it('hands on the very error that rolled it back, also one that is no Error and one thrown before any await', async () => {
    for (const thrown of [new Error('mine'), 'a text', undefined]) {
      const run = inAcme(async () => {
        await Note.insert({ id: 2, text: 'undone' });
        throw thrown;
      });
      await expect(run).rejects.toBe(thrown);
    }
    const failure = new Error('at once');
    const atOnce = inAcme(() => {
      throw failure;
    });
    await expect(atOnce).rejects.toBe(failure);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('says so when a statement had failed, its error was swallowed and nothing is saved', async () => {
    const run = inAcme(async () => {
      await Note.insert({ id: 2, text: 'lost' });
      await Note.insert({ id: 1, text: 'taken' }).catch(() => {});
    });
    await expect(run).rejects.toThrow(TransactionRolledBackError);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('hands on what the server says at COMMIT', async () => {
    const run = inAcme(() =>
      // The constraint is deferred: nobody is author 99, which is found out at the end.
      world.dataSource.query(`INSERT INTO book (id, title, "authorId") VALUES (9, 'orphan', 99)`),
    );
    await expect(run).rejects.toThrow(/violates foreign key constraint/);
    await expect(run).rejects.toThrow(QueryFailedError);
    expect(await TenantContext.run(world.acme, () => world.dataSource.getRepository(Book).count())).toBe(1);
  });

  it('survives a connection that is killed, with the error of the statement', async () => {
    const run = inAcme(async (manager) => {
      const [{ pid }] = (await manager.query('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
      await Note.insert({ id: 2, text: 'lost' });
      await world.admin('SELECT pg_terminate_backend($1)', [pid]);
      await Note.insert({ id: 3, text: 'lost' });
    });
    await expect(run).rejects.toThrow(/terminat|released/i);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });
});

async function shown(setting: string): Promise<unknown> {
  return Object.values(await world.sql.one(`SELECT current_setting($1)`, [setting]))[0];
}

/** Two that read what the other writes; the server lets one of them have its way. */
function skewed(options: TransactionOptions, attempts: string[]): Promise<PromiseSettledResult<void>[]> {
  const bothRead = [gate(), gate()];
  return Promise.allSettled(
    bothRead.map((read, n) =>
      inAcme(
        async () => {
          attempts.push(`${n}`);
          await Note.count();
          read.open();
          await Promise.all(bothRead.map(({ passed }) => passed));
          await Note.insert({ id: 2 + n, text: 'x' });
        },
        { isolationLevel: 'SERIALIZABLE', ...options },
      ),
    ),
  );
}

describe('the options of a transaction', () => {
  it('reach the server, and end with it', async () => {
    const options = { isolationLevel: 'SERIALIZABLE', readOnly: true } as const;
    await inAcme(async () => {
      expect(await shown('transaction_isolation')).toBe('serializable');
      expect(await shown('transaction_read_only')).toBe('on');
    }, options);
    await inAcme(async () => {
      expect(await shown('transaction_isolation')).toBe('read committed');
      expect(await shown('transaction_read_only')).toBe('off');
    });
  });

  it('refuse writes when it is read-only', async () => {
    const run = inAcme(() => Note.insert({ id: 2, text: 'x' }), { readOnly: true });
    await expect(run).rejects.toThrow(/read-only transaction/);
  });

  it.each([
    [{ isolationLevel: 'SERIALIZABLE' }, {}, TransactionOptionsConflictError],
    [{ isolationLevel: 'SERIALIZABLE' }, { isolationLevel: 'SERIALIZABLE' }, 'ran'],
    [{ isolationLevel: 'SERIALIZABLE', propagation: 'nested' }, {}, TransactionOptionsConflictError],
    [{ isolationLevel: 'SERIALIZABLE', propagation: 'requires-new' }, {}, 'ran'],
    [{ readOnly: false }, { readOnly: true }, TransactionOptionsConflictError],
    [{ readOnly: true }, {}, 'ran'],
  ] as const)('%j, inside of %j', async (inner, outer, expected) => {
    const run = inAcme(() => world.transactions.run(async () => 'ran', inner), outer);
    expect(await run.catch((error: Error) => error.constructor)).toBe(expected);
  });

  it('refuse an isolation level of the entity manager that is not the running one', async () => {
    const run = inAcme(() => world.dataSource.transaction('SERIALIZABLE', async () => {}));
    await expect(run).rejects.toThrow(TransactionOptionsConflictError);
  });

  it('let a serialization failure through as it is', async () => {
    const results = await skewed({}, []);
    const [failure, none] = results.filter((result) => result.status === 'rejected');
    expect(none).toBeUndefined();
    expect(failure?.reason).toBeInstanceOf(QueryFailedError);
    expect(failure?.reason).toMatchObject({ code: '40001' });
  });

  it('run it again after a serialization failure when they say so', async () => {
    const attempts: string[] = [];
    const results = await skewed({ retries: 1 }, attempts);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(attempts).toHaveLength(3);
    expect(await world.notesOf(world.acme)).toEqual(['2 x', '3 x']);
  });

  it('run it no more often than they say, and not at all for other errors', async () => {
    let attempts = 0;
    const failWith = (code: string) =>
      inAcme(
        async () => {
          attempts++;
          throw Object.assign(new Error('made up'), { code });
        },
        { retries: 2 },
      );
    await expect(failWith('40P01')).rejects.toMatchObject({ code: '40P01' });
    expect(attempts).toBe(3);
    await expect(failWith('23505')).rejects.toMatchObject({ code: '23505' });
    expect(attempts).toBe(4);
  });
});

describe('a child that was not awaited', () => {
  it('cannot run anything once its transaction is over, by any way there is', async () => {
    const over = gate();
    const outcomes: Promise<unknown>[] = [];
    await inAcme(async (manager) => {
      const notes = manager.getRepository(Note);
      const runner = world.dataSource.createQueryRunner();
      const writes: (() => Promise<unknown>)[] = [
        () => Note.insert({ id: 2, text: 'x' }),
        () => world.dataSource.getRepository(Note).save({ id: 2, text: 'x' }),
        () => world.dataSource.manager.insert(Note, { id: 2, text: 'x' }),
        () => world.dataSource.transaction((inner) => inner.insert(Note, { id: 2, text: 'x' })),
        () => world.dataSource.query(`INSERT INTO note VALUES (2, 'x')`),
        () => world.sql.execute(`INSERT INTO note VALUES (2, 'x')`),
        () => world.sql.forTenant(world.acme).execute(`INSERT INTO note VALUES (2, 'x')`),
        () => world.transactions.run(() => Note.insert({ id: 2, text: 'x' })),
        () => world.transactions.run(() => Note.insert({ id: 2, text: 'x' }), { propagation: 'supports' }),
        () => notes.insert({ id: 2, text: 'x' }),
        () => manager.query(`INSERT INTO note VALUES (2, 'x')`),
        () => manager.transaction((inner) => inner.insert(Note, { id: 2, text: 'x' })),
        () => runner.query(`INSERT INTO note VALUES (2, 'x')`),
        () => runner.startTransaction(),
        () => runner.stream('SELECT 1'),
      ];
      for (const write of writes) {
        outcomes.push(
          over.passed.then(write).then(
            () => 'ran',
            (error: unknown) => error,
          ),
        );
      }
    });
    over.open();
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toBeInstanceOf(TransactionEndedError);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it.each(['requires-new', 'not-supported'] as const)(
    "may go on with '%s', which leaves it",
    async (propagation) => {
      const over = gate();
      let child: Promise<unknown> | undefined;
      await inAcme(async () => {
        child = over.passed.then(() =>
          world.transactions.run(() => Note.insert({ id: 2, text: 'x' }), { propagation }),
        );
      });
      over.open();
      await child;
      expect(await world.notesOf(world.acme)).toEqual(['2 x']);
    },
  );

  it.each([
    ['committed', ['2 x']],
    ['rolled back', []],
  ])('has what it had sent before included when the transaction is %s', async (how, expected) => {
    let child: Promise<unknown> | undefined;
    await inAcme(async (manager) => {
      child = manager.query(`INSERT INTO note VALUES (2, 'x') -- dawdling`);
      child.catch(() => {});
      if (how === 'rolled back') throw new Error('on purpose');
    }).catch(() => {});
    await child;
    expect(await world.notesOf(world.acme)).toEqual(expected);
  });

  it('fails the transaction when its statement fails', async () => {
    const run = inAcme(async (manager) => {
      await Note.insert({ id: 2, text: 'x' });
      manager.insert(Note, { id: 1, text: 'taken' }).catch(() => {});
    });
    await expect(run).rejects.toThrow(TransactionRolledBackError);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('fails the transaction when it is nested and still runs, and is told itself', async () => {
    const over = gate();
    let child: Promise<unknown> | undefined;
    const run = inAcme(async () => {
      await Note.insert({ id: 2, text: 'outer' });
      const started = gate();
      child = world.transactions.run(
        async () => {
          await Note.insert({ id: 3, text: 'inner' });
          started.open();
          await over.passed;
          await Note.insert({ id: 4, text: 'inner' });
        },
        { propagation: 'nested' },
      );
      child.catch(() => {});
      await started.passed;
    });
    await expect(run).rejects.toThrow(NestedTransactionOpenError);
    over.open();
    await expect(child).rejects.toThrow(TransactionEndedError);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('has its stream ended, which would hold up the COMMIT', async () => {
    const stream = await inAcme(() =>
      world.dataSource.createQueryRunner().stream('SELECT n FROM generate_series(1, 100000) n'),
    );
    const read = async (): Promise<void> => {
      for await (const row of stream) expect(row).toBeDefined();
    };
    await expect(read()).rejects.toThrow(TransactionEndedError);
  });
});

describe('query runners in a transaction', () => {
  it('that end their transactions out of order undo both, and say so', async () => {
    await inAcme(async () => {
      const [first, second] = [world.dataSource.createQueryRunner(), world.dataSource.createQueryRunner()];
      await first.startTransaction();
      await second.startTransaction();
      await first.query(`INSERT INTO note VALUES (2, 'first')`);
      await expect(first.commitTransaction()).rejects.toThrow(NestedTransactionOpenError);
      await expect(second.query('SELECT 1')).rejects.toThrow(TransactionEndedError);
      await first.release();
      await second.release();
      await Note.insert({ id: 3, text: 'after' });
    });
    expect(await world.notesOf(world.acme)).toEqual(['3 after']);
  });
});
