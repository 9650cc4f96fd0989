import { TenantContext, TenantContextMissingError, type Tenant } from '@tenantry/core';
import { Note } from '../../../../test/isolation/library.js';
import { TransactionMissingError, TransactionPresentError, type Propagation } from '../../src/index.js';
import { openWorld, type World } from './world.js';

type Inner = 'tenant' | 'central';
type Outer = 'none' | 'the same' | "another tenant's" | "the central schema's" | "a tenant's";

/** `joins`: the outer transaction; `starts`: one of its own; `none`: every statement by itself. */
type Outcome = 'joins' | 'starts' | 'none' | typeof TransactionMissingError | typeof TransactionPresentError;

/** What each mode does without a transaction of its own tenant, and with one. */
const MODES: Readonly<Record<Propagation, { readonly alone: Outcome; readonly inside: Outcome }>> = {
  required: { alone: 'starts', inside: 'joins' },
  'requires-new': { alone: 'starts', inside: 'starts' },
  nested: { alone: 'starts', inside: 'joins' },
  supports: { alone: 'none', inside: 'joins' },
  mandatory: { alone: TransactionMissingError, inside: 'joins' },
  'not-supported': { alone: 'none', inside: 'none' },
  never: { alone: 'none', inside: TransactionPresentError },
};

const OUTERS: readonly (readonly [Inner, Outer])[] = [
  ['tenant', 'none'],
  ['tenant', 'the same'],
  ['tenant', "another tenant's"],
  ['tenant', "the central schema's"],
  ['central', 'none'],
  ['central', 'the same'],
  ['central', "a tenant's"],
];

const CASES = OUTERS.flatMap(([inner, outer]) =>
  (Object.keys(MODES) as Propagation[]).map((mode) => [mode, inner, outer] as const),
);

function inContext<T>(place: Tenant | 'central', fn: () => Promise<T>): Promise<T> {
  return place === 'central' ? TenantContext.runCentral(fn) : TenantContext.run(place, fn);
}

describe.each(['role', 'path'] as const)('propagation at level %s', (level) => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld({ isolation: { level } });
  });
  afterEach(() => world.reset());
  afterAll(() => world.close());

  const transactionId = async (): Promise<string> =>
    (await world.sql.one<{ id: string }>(`SELECT pg_backend_pid() || '/' || pg_current_xact_id() AS id`)).id;

  /** Runs `inner` where an outer transaction is open, which is told apart by its id. */
  async function inOuter<T>(
    outer: Outer,
    place: Tenant | 'central',
    inner: (outerId: string | undefined) => Promise<T>,
  ): Promise<T> {
    if (outer === 'none') return inContext(place, () => inner(undefined));
    const at = {
      'the same': place,
      "another tenant's": world.globex,
      "the central schema's": 'central' as const,
    };
    const outerPlace = outer === "a tenant's" ? world.globex : at[outer];
    return inContext(outerPlace, () =>
      world.transactions.run(async () => {
        const id = await transactionId();
        const result = await (outerPlace === place ? inner(id) : inContext(place, () => inner(id)));
        expect(await transactionId()).toBe(id);
        return result;
      }),
    );
  }

  test.each(CASES)(
    "'%s' of a %s does as it says when the outer transaction is %s",
    async (mode, inner, outer) => {
      const place = inner === 'tenant' ? world.acme : 'central';
      const expected = MODES[mode][outer === 'the same' ? 'inside' : 'alone'];
      const texts: string[] = [];
      const run = inOuter(outer, place, (outerId) =>
        world.transactions.run(
          async (manager) => {
            const ids = [await transactionId(), await transactionId()];
            texts.push((await manager.findOneByOrFail(Note, { id: 1 })).text);
            if (ids[0] !== ids[1]) return 'none';
            return ids[0] === outerId ? 'joins' : 'starts';
          },
          { propagation: mode },
        ),
      );
      expect(await run.catch((error: Error) => error.constructor)).toBe(expected);
      const own = inner === 'tenant' ? 'note of acme' : 'note of central';
      expect(texts).toEqual(typeof expected === 'string' ? [own] : []);
    },
  );

  it('refuses every mode without a context', async () => {
    for (const propagation of Object.keys(MODES) as Propagation[]) {
      await expect(world.transactions.run(async () => {}, { propagation })).rejects.toThrow(
        TenantContextMissingError,
      );
    }
  });

  it('refuses a mode that does not exist', async () => {
    const run = TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {}, { propagation: 'sometimes' as never }),
    );
    await expect(run).rejects.toThrow("propagation: there is no 'sometimes'");
  });

  it("keeps what 'requires-new' wrote when the outer transaction is rolled back", async () => {
    const failure = new Error('outer');
    const outer = TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        await Note.insert({ id: 2, text: 'outer' });
        await world.transactions.run(() => Note.insert({ id: 3, text: 'inner' }), {
          propagation: 'requires-new',
        });
        throw failure;
      }),
    );
    await expect(outer).rejects.toBe(failure);
    expect(await world.notesOf(world.acme)).toEqual(['3 inner']);
    expect(await world.notesOf(world.globex)).toEqual([]);
  });

  it("undoes what 'nested' wrote and nothing else when it fails", async () => {
    const failure = new Error('inner');
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        await Note.insert({ id: 2, text: 'before' });
        const nested = world.transactions.run(
          async () => {
            await Note.insert({ id: 3, text: 'inner' });
            throw failure;
          },
          { propagation: 'nested' },
        );
        await expect(nested).rejects.toBe(failure);
        await Note.insert({ id: 4, text: 'after' });
      }),
    );
    expect(await world.notesOf(world.acme)).toEqual(['2 before', '4 after']);
  });

  it("goes on after a statement that failed inside of 'nested'", async () => {
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        const nested = world.transactions.run(() => Note.insert({ id: 1, text: 'taken' }), {
          propagation: 'nested',
        });
        await expect(nested).rejects.toThrow(/duplicate key/);
        await Note.insert({ id: 2, text: 'after' });
      }),
    );
    expect(await world.notesOf(world.acme)).toEqual(['2 after']);
  });

  it("runs 'nested' ones that were started at once one after the other, each undone by itself", async () => {
    const results = await TenantContext.run(world.acme, () =>
      world.transactions.run(async () =>
        Promise.allSettled(
          [2, 3, 4, 5].map((id) =>
            world.transactions.run(
              async () => {
                await Note.insert({ id, text: 'first' });
                await Note.update({ id }, { text: 'second' });
                if (id % 2 === 1) throw new Error('odd');
              },
              { propagation: 'nested' },
            ),
          ),
        ),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(await world.notesOf(world.acme)).toEqual(['2 second', '4 second']);
  });

  it('leaves the decision to the outer transaction when a call that joined it fails', async () => {
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async () => {
        const joined = world.transactions.run(async () => {
          await Note.insert({ id: 2, text: 'joined' });
          throw new Error('caught outside');
        });
        await expect(joined).rejects.toThrow('caught outside');
      }),
    );
    expect(await world.notesOf(world.acme)).toEqual(['2 joined']);
  });
});
