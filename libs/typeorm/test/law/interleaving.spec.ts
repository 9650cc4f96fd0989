import { loadEngine } from './engine.js';
import { checkInterleavings } from './interleaving.js';
import { Oracle } from './oracle.js';
import { createWorld, type World } from './world.js';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.close());

describe.each([
  ['every statement in the extended protocol', true],
  ['statements without parameters in the simple protocol', false],
])('borrowers that interleave over two connections, %s', (_, extendedOnly) => {
  it('read and write their own schema only, lose nothing acknowledged, and never get a spoilt connection', async () => {
    const engine = loadEngine();
    const oracle = new Oracle(world);
    const pool = engine.createPool(world, { extendedOnly });
    await world.admin.query(world.tenants.map((tenant) => `DELETE FROM ${tenant}.ledger`).join(';'));
    try {
      await checkInterleavings(engine, world, pool, oracle, { numRuns: 120, verbose: 1 });
    } finally {
      await pool.end();
    }
  }, 120_000);
});
