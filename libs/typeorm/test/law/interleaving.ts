import fc from 'fast-check';
import type { TenantPool } from '../../src/pool/tenant-pool.js';
import { Actor } from './actor.js';
import type { Engine } from './engine.js';
import { LawBroken, Oracle } from './oracle.js';
import { programs, type Program } from './program.js';
import type { World } from './world.js';

/** Runs random programs at once, over two connections, until something breaks or `runs` sets have passed. */
export async function checkInterleavings(
  engine: Engine,
  world: World,
  pool: TenantPool,
  oracle: Oracle,
  parameters: fc.Parameters<[readonly Program[]]> & { readonly set?: fc.Arbitrary<readonly Program[]> },
): Promise<void> {
  const { set: sets = programs(), ...rest } = parameters;
  const property = fc.asyncProperty(sets, async (set) => {
    // All settle before anything is judged: a connection still in use would disturb the next set.
    const outcomes = await Promise.allSettled(
      set.map((program) => runProgram(engine, world, pool, oracle, program)),
    );
    const broken = outcomes.find((outcome) => outcome.status === 'rejected');
    if (broken) throw broken.reason;
    await oracle.checkLedgers();
  });
  await fc.assert(property, { endOnFailure: true, ...rest });
}

async function runProgram(
  engine: Engine,
  world: World,
  pool: TenantPool,
  oracle: Oracle,
  program: Program,
): Promise<void> {
  const { borrower, steps, ending } = program;
  if (typeof borrower === 'number') {
    const tenant = world.tenants[borrower]!;
    const lease = await pool.lease(engine.createBinding(tenant, tenant, []));
    return new Actor(lease, world, oracle, tenant, oracle.hasSessions).run(steps, ending);
  }
  const refused = {
    unbound: '42P01',
    ghost: 'TENANT_ROLE_UNUSABLE',
    missing: 'TENANT_SCHEMA_MISSING',
  } as const;
  const binding =
    borrower === 'unbound'
      ? undefined
      : engine.createBinding(world[borrower].schema, world[borrower].role, []);
  const lease = await pool.lease(binding);
  oracle.checkConnection(lease.processID);
  const outcome = await (lease.query('SELECT name FROM me') as Promise<{ rows: unknown }>).then(
    ({ rows }) => JSON.stringify(rows),
    (error: { code?: string }) => error.code,
  );
  lease.release();
  if (outcome !== refused[borrower])
    throw new LawBroken(`${borrower} got ${outcome} instead of ${refused[borrower]}`);
}
