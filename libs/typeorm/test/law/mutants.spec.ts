import { loadEngine, type Engine } from './engine.js';
import { checkInterleavings } from './interleaving.js';
import { MUTANTS, restoreLaw, type Mutant } from './mutants.js';
import { Oracle } from './oracle.js';
import { createWorld, type World } from './world.js';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});

afterEach(async () => {
  // A broken engine may leave connections borrowed for ever.
  await world.admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [
    new URL(world.url).username,
  ]);
  await world.close();
});

async function check({ mutate }: Pick<Mutant, 'mutate'>): Promise<void> {
  let engine: Engine | undefined;
  jest.isolateModules(() => {
    mutate();
    engine = loadEngine();
  });
  const pool = engine!.createPool(world, { acquireTimeoutMs: 3_000 });
  try {
    await checkInterleavings(engine!, world, pool, new Oracle(world), { numRuns: 150, seed: 7 });
  } finally {
    restoreLaw();
    pool.end().catch(() => {});
  }
}

describe('the interleaving check', () => {
  it('stays green for the engine as it is', async () => {
    await check({ mutate: () => {} });
  }, 60_000);

  it.each(MUTANTS)(
    'goes red without the rule that $rule',
    async (mutant) => {
      const failure = await check(mutant).then(
        () => new Error('no difference was seen'),
        (error: Error) => error.cause as Error,
      );
      expect(failure.message).toMatch(mutant.seen);
    },
    60_000,
  );
});
