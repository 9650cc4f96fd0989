import { TenantContext } from '@tenantry/core';
import { Note } from '../../../../test/isolation/library.js';
import {
  TransactionMissingError,
  TransactionOfOtherTenantError,
  TenantPoolExhaustedError,
} from '../../src/index.js';
import { gate, openWorld, poolOf, type World } from './world.js';

describe.each(['role', 'path'] as const)('transactions of two tenants at level %s', (level) => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld({
      isolation: { level },
      pool: { acquireTimeoutMs: 300, maxConnectionsPerTenant: 2 },
      typeorm: { poolSize: 2 },
    });
  });
  afterEach(() => world.reset());
  afterAll(() => world.close());

  it('stay apart when they take turns on a pool of two', async () => {
    const connections = new Set<number>();
    const rounds = Array.from({ length: 12 }, (_, n) => n);
    const seen: string[] = [];
    const undone = new Error('undone');
    const results = await Promise.allSettled(
      rounds.map((n) => {
        const tenant = n % 2 === 0 ? world.acme : world.globex;
        return TenantContext.run(tenant, () =>
          world.transactions.run(async (manager) => {
            const [{ pid }] = (await manager.query('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
            connections.add(pid);
            await Note.insert({ id: 100 + n, text: tenant.slug });
            await new Promise((resolve) => setImmediate(resolve));
            const own = await manager.findOneByOrFail(Note, { id: 100 + n });
            seen[n] = `${own.text}: ${(await Note.findOneByOrFail({ id: 1 })).text}`;
            if (n % 3 === 0) throw undone;
          }),
        );
      }),
    );
    expect(connections.size).toBe(2);
    expect(seen).toEqual(rounds.map((n) => (n % 2 === 0 ? 'acme: note of acme' : 'globex: note of globex')));
    expect(results.map((result) => result.status === 'rejected' && result.reason)).toEqual(
      rounds.map((n) => n % 3 === 0 && undone),
    );
    expect(await world.notesOf(world.acme)).toEqual(['102 acme', '104 acme', '108 acme', '110 acme']);
    expect(await world.notesOf(world.globex)).toEqual([
      '101 globex',
      '105 globex',
      '107 globex',
      '111 globex',
    ]);
  });

  it('are committed and rolled back each by itself when one runs inside of the other', async () => {
    const failure = new Error('outer');
    const outer = TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        await Note.insert({ id: 2, text: 'of acme' });
        await TenantContext.run(world.globex, () =>
          world.transactions.run(() => Note.insert({ id: 2, text: 'of globex' })),
        );
        throw failure;
      }),
    );
    await expect(outer).rejects.toBe(failure);
    expect(await world.notesOf(world.acme)).toEqual([]);
    expect(await world.notesOf(world.globex)).toEqual(['2 of globex']);
  });

  it('are not joined by code that enters the other tenant without a transaction', async () => {
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        await TenantContext.run(world.globex, () => Note.insert({ id: 2, text: 'of globex' }));
        throw new Error('outer');
      }),
    ).catch(() => {});
    expect(await world.notesOf(world.globex)).toEqual(['2 of globex']);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('are current again back in their own tenant, further in', async () => {
    const failure = new Error('outer');
    const outermost = TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        await Note.insert({ id: 2, text: 'outermost' });
        await TenantContext.run(world.globex, () =>
          world.transactions.run(() =>
            TenantContext.run(world.acme, async () => {
              expect(await Note.existsBy({ id: 2 })).toBe(true);
              await world.transactions.run(() => Note.insert({ id: 3, text: 'innermost' }), {
                propagation: 'mandatory',
              });
            }),
          ),
        );
        throw failure;
      }),
    );
    await expect(outermost).rejects.toBe(failure);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it("refuse the other tenant's hands on their manager, repositories and query runner", async () => {
    const queries = jest.spyOn(poolOf(world.dataSource), 'lease');
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async (manager) => {
        const notes = manager.getRepository(Note);
        const runner = manager.queryRunner!;
        queries.mockClear();
        const attempts = [
          () => manager.findOneBy(Note, { id: 1 }),
          () => manager.query('SELECT 1'),
          () => manager.transaction((inner) => inner.query('SELECT 1')),
          () => notes.find(),
          () => notes.save({ id: 2, text: 'x' }),
          () => notes.createQueryBuilder().stream(),
          () => runner.query('SELECT 1'),
          () => runner.startTransaction(),
          () => runner.connect(),
        ];
        for (const attempt of attempts) {
          await expect(TenantContext.run(world.globex, attempt)).rejects.toThrow(
            TransactionOfOtherTenantError,
          );
          await expect(TenantContext.runCentral(attempt)).rejects.toThrow(TransactionOfOtherTenantError);
          await expect(TenantContext.runDetached(attempt)).rejects.toThrow(TransactionOfOtherTenantError);
        }
        expect(queries).not.toHaveBeenCalled();
        // And it has not suffered from it.
        expect(await notes.count()).toBe(1);
      }),
    );
    queries.mockRestore();
  });

  it("do not let 'mandatory' find the other tenant's", async () => {
    const inner = TenantContext.run(world.acme, () =>
      world.transactions.run(() =>
        TenantContext.run(world.globex, () =>
          world.transactions.run(async () => {}, { propagation: 'mandatory' }),
        ),
      ),
    );
    await expect(inner).rejects.toThrow(TransactionMissingError);
  });

  it('end typed, and not in a deadlock, when each holds a connection and needs a second', async () => {
    const both = [gate(), gate()];
    const results = await Promise.allSettled(
      [world.acme, world.globex].map((tenant, n) =>
        TenantContext.run(tenant, () =>
          world.transactions.run(async () => {
            await Note.insert({ id: 2, text: 'outer' });
            both[n]!.open();
            await Promise.all(both.map(({ passed }) => passed));
            await world.transactions.run(() => Note.insert({ id: 3, text: 'inner' }), {
              propagation: 'requires-new',
            });
          }),
        ),
      ),
    );
    const failure = results.find((result) => result.status === 'rejected');
    expect(failure?.reason).toBeInstanceOf(TenantPoolExhaustedError);
  });

  it('leave views of the factory alone, which follow nothing', async () => {
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        await Note.insert({ id: 2, text: 'inside' });
        expect(await world.dataSource.views.forTenant(world.acme).getRepository(Note).count()).toBe(1);
      }),
    );
  });

  it('would not be told apart by this suite if they were kept without their tenant', async () => {
    // The negative control: a data source that believes acme is always in force joins across tenants.
    const stuck = jest
      .spyOn(world.dataSource, 'currentOrNone')
      .mockReturnValue(world.dataSource.views.forTenant(world.acme));
    try {
      await TenantContext.run(world.acme, () =>
        world.transactions.run(async () => {
          await TenantContext.run(world.globex, () => Note.insert({ id: 2, text: 'of globex' }));
        }),
      );
    } finally {
      stuck.mockRestore();
    }
    expect(await world.notesOf(world.globex)).toEqual([]);
    expect(await world.notesOf(world.acme)).toEqual(['2 of globex']);
  });
});
