import { Client } from 'pg';
import { startPgBouncer, type PgBouncer } from '../../../../test/support/pgbouncer.js';
import { loadEngine } from '../law/engine.js';
import { checkInterleavings } from '../law/interleaving.js';
import { Oracle } from '../law/oracle.js';
import { programs } from '../law/program.js';
import { createWorld, type World } from '../law/world.js';

const SERVER_CONNECTIONS = 3;
const CLIENTS = 24;

let world: World;
let pooler: PgBouncer;

beforeAll(async () => {
  world = await createWorld();
  pooler = await startPgBouncer({ url: world.url, serverConnections: SERVER_CONNECTIONS });
});

afterAll(async () => {
  await pooler.stop();
  await world.close();
});

describe(`PgBouncer in transaction mode, with ${SERVER_CONNECTIONS} server connections`, () => {
  it.each([
    ['prepared statements off: every statement without parameters is a simple one', false],
    ['every statement in the extended protocol', true],
  ])(
    `keeps ${CLIENTS} clients of three tenants apart, %s`,
    async (_, extendedOnly) => {
      const engine = loadEngine();
      const pool = engine.createPool(
        { ...world, url: pooler.url },
        { max: CLIENTS, maxConnectionsPerTenant: CLIENTS, pooler: 'transaction', extendedOnly },
      );
      await world.admin.query(world.tenants.map((tenant) => `DELETE FROM ${tenant}.ledger`).join(';'));
      try {
        const sets = programs({ min: CLIENTS, max: CLIENTS });
        await checkInterleavings(engine, world, pool, new Oracle(world, false), { numRuns: 25, set: sets });
      } finally {
        await pool.end();
      }
    },
    120_000,
  );

  it('does mix up clients that set their path for the session: the control', async () => {
    const clients = await Promise.all(
      world.tenants.map(async (tenant) => {
        const client = new Client({ connectionString: pooler.url });
        await client.connect();
        await client.query(`SET ROLE ${tenant}; SET search_path = ${tenant}`);
        return { tenant, client };
      }),
    );
    // One after the other, so that all of them meet on the same server connection.
    const seen: string[] = [];
    for (const { client } of clients) {
      const { rows } = await client.query<{ name: string }>('SELECT name FROM me');
      seen.push(rows[0]!.name);
    }
    await Promise.all(clients.map(({ client }) => client.end()));
    expect(seen).not.toEqual(world.tenants);
    // Whose session they meet on is PgBouncer's choice; it may be one that nobody had set.
    expect([...world.tenants, 'PUBLIC']).toEqual(expect.arrayContaining(seen));
  });
});
