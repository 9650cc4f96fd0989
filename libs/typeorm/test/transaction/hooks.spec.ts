import { Logger } from '@nestjs/common';
import { TenantContext } from '@tenantry/core';
import type { EntityManager } from 'typeorm';
import { Note } from '../../../../test/isolation/library.js';
import {
  afterCommit,
  afterRollback,
  TransactionEndedError,
  TransactionMissingError,
  TransactionRolledBackError,
  type Propagation,
} from '../../src/index.js';
import { gate, openWorld, poolOf, type World } from './world.js';

let world: World;
let heard: string[];

beforeAll(async () => {
  world = await openWorld();
});
beforeEach(() => {
  heard = [];
});
afterEach(() => world.reset());
afterAll(() => world.close());

function inAcme<T>(
  fn: (manager: EntityManager) => Promise<T>,
  propagation: Propagation = 'required',
): Promise<T> {
  return TenantContext.run(world.acme, () => world.transactions.run(fn, { propagation }));
}

function listen(name: string): void {
  afterCommit(async () => heard.push(`${name} committed`));
  afterRollback(async () => heard.push(`${name} rolled back`));
}

const FAILURE = new Error('on purpose');

async function failing(fn: () => Promise<unknown>): Promise<never> {
  await fn();
  throw FAILURE;
}

describe('hooks of a transaction', () => {
  it('run in the order they were registered, one after the other, before the call returns', async () => {
    await inAcme(async () => {
      afterCommit(async () => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        heard.push('slow');
      });
      afterCommit(() => heard.push('quick'));
      await inAcme(async () => listen('joined'));
      heard.push('still inside');
    });
    expect(heard).toEqual(['still inside', 'slow', 'quick', 'joined committed']);
  });

  it('hear of the end that came', async () => {
    await expect(inAcme(() => failing(async () => listen('outer')))).rejects.toBe(FAILURE);
    expect(heard).toEqual(['outer rolled back']);
  });

  it('hear of a COMMIT that saved nothing as of a rollback', async () => {
    const run = inAcme(async () => {
      listen('outer');
      await Note.insert({ id: 1, text: 'taken' }).catch(() => {});
    });
    await expect(run).rejects.toThrow(TransactionRolledBackError);
    expect(heard).toEqual(['outer rolled back']);
  });

  it("run in the tenant's context, outside of the transaction and with its connection free", async () => {
    await inAcme(async () => {
      await Note.insert({ id: 2, text: 'saved' });
      afterCommit(async () => {
        const { totalCount, idleCount } = poolOf(world.dataSource);
        heard.push(TenantContext.require().slug, `${totalCount - idleCount} on loan`);
        // Everybody sees it by now, and a write of the hook is a transaction of its own.
        heard.push(...(await world.notesOf(world.acme)));
        await Note.insert({ id: 3, text: 'by the hook' });
        expect(() => afterCommit(() => {})).toThrow(TransactionMissingError);
      });
    });
    expect(heard).toEqual(['acme', '0 on loan', '2 saved']);
    expect(await world.notesOf(world.acme)).toEqual(['2 saved', '3 by the hook']);
  });

  it('of a nested one wait for the outermost, in their place', async () => {
    await inAcme(async () => {
      listen('first');
      await inAcme(async () => {
        listen('nested');
        await inAcme(async () => listen('innermost'), 'nested');
      }, 'nested');
      listen('last');
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual(['first committed', 'nested committed', 'innermost committed', 'last committed']);
  });

  it('of a nested one that was rolled back are dropped, and those inside of it', async () => {
    await inAcme(async () => {
      listen('outer');
      const nested = inAcme(
        () => failing(() => inAcme(async () => listen('innermost'), 'nested').then(() => listen('nested'))),
        'nested',
      );
      await expect(nested).rejects.toBe(FAILURE);
    });
    expect(heard).toEqual(['outer committed']);
  });

  it('of a new one run when that ends, and not in the one around it', async () => {
    await expect(
      inAcme(() =>
        failing(async () => {
          listen('outer');
          await inAcme(async () => {
            listen('inner');
            afterCommit(() => Note.insert({ id: 3, text: 'by the hook' }));
          }, 'requires-new');
          heard.push('outer goes on');
        }),
      ),
    ).rejects.toBe(FAILURE);
    expect(heard).toEqual(['inner committed', 'outer goes on', 'outer rolled back']);
    expect(await world.notesOf(world.acme)).toEqual(['3 by the hook']);
  });

  it('belong to the transaction of the tenant in force', async () => {
    await expect(
      inAcme(() =>
        failing(async () => {
          listen('acme');
          await TenantContext.run(world.globex, () => world.transactions.run(async () => listen('globex')));
          expect(() => TenantContext.run(world.globex, () => afterCommit(() => {}))).toThrow(
            TransactionMissingError,
          );
        }),
      ),
    ).rejects.toBe(FAILURE);
    expect(heard).toEqual(['globex committed', 'acme rolled back']);
  });

  it('work in the central context', async () => {
    await TenantContext.runCentral(() => world.transactions.run(async () => listen('central')));
    expect(heard).toEqual(['central committed']);
  });

  it('that fail undo nothing, keep nobody else from running, and are logged', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    const failure = new Error('no mail today');
    try {
      const result = inAcme(async () => {
        await Note.insert({ id: 2, text: 'saved' });
        afterCommit(() => {
          throw failure;
        });
        afterCommit(() => Promise.reject(failure));
        listen('last');
        return 'result';
      });
      expect(await result).toBe('result');
      expect(logged.mock.calls.filter(([what]) => what === failure)).toHaveLength(2);
    } finally {
      logged.mockRestore();
    }
    expect(heard).toEqual(['last committed']);
    expect(await world.notesOf(world.acme)).toEqual(['2 saved']);
  });

  it('that fail after a rollback do not hide what caused it', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    try {
      const run = inAcme(() =>
        failing(async () => afterRollback(() => Promise.reject(new Error('as well')))),
      );
      await expect(run).rejects.toBe(FAILURE);
      expect(logged).toHaveBeenCalled();
    } finally {
      logged.mockRestore();
    }
  });

  it('are refused without a transaction, and in what has left it', async () => {
    await TenantContext.run(world.acme, async () => {
      expect(() => afterCommit(() => {})).toThrow(TransactionMissingError);
      expect(() => afterRollback(() => {})).toThrow(TransactionMissingError);
      await world.transactions.run(() =>
        world.transactions.run(
          async () => expect(() => afterCommit(() => {})).toThrow(TransactionMissingError),
          {
            propagation: 'not-supported',
          },
        ),
      );
    });
  });

  it('are refused to a child that has outlived its transaction', async () => {
    const over = gate();
    let child: Promise<void> | undefined;
    await inAcme(async () => {
      child = over.passed.then(() => afterCommit(() => {}));
    });
    over.open();
    await expect(child).rejects.toThrow(TransactionEndedError);
  });
});
