/**
 * Question: what does one more tenant cost the process?
 * Method: make views for tenants never seen before, keep them all, and read the heap after a full collection;
 * beside it the null check (an empty object per tenant, kept alike) and what people do without the suite (a
 * DataSource per tenant, with a pool of one). Connections are counted by the server while all are kept.
 */
import { randomUUID } from 'node:crypto';
import { schemaNameFor } from '@tenantry/core';
import { startPostgres } from '@tenantry/dev-servers';
import { startTenantDatabase } from '@tenantry/typeorm/testing';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { describeMachine } from '../support/machine.js';
import { median } from '../support/statistics.js';
import { Article, CreateArticle1730000000000 } from './model.js';

const ROUNDS = 7;

const server = await startPostgres();
const database = await startTenantDatabase({
  adminUrl: server.url,
  migrations: [CreateArticle1730000000000],
  isolation: { maxViews: 1 },
  typeorm: { entities: [Article] },
});
const admin = new Client({ connectionString: server.url });
await admin.connect();

const { views } = database.dataSource;
const newView = (): DataSource =>
  views.forTenant({
    schema: schemaNameFor(randomUUID()),
    placement: { cluster: 'default' },
    tier: 'starter',
  });
const newDataSource = (): Promise<DataSource> =>
  new DataSource({
    type: 'postgres',
    url: server.url,
    entities: [Article],
    poolSize: 1,
    installExtensions: false,
  }).initialize();

console.log(describeMachine(server.version));
console.log(`Per tenant, median of ${ROUNDS} rounds:`.padEnd(66), 'heap KB       µs  connections');
await report('null check: an empty object', 1_000, async () => ({}));
await report('a view', 1_000, async () => newView());
await report('a view with its manager, a repository and a query runner', 1_000, async () => {
  const view = newView();
  view.getRepository(Article);
  view.createQueryRunner();
  return view;
});
await report('without the suite: a DataSource and a pool of one', 10, newDataSource, (dataSource) =>
  dataSource.destroy(),
);

await admin.end();
await database.close();
await server.stop();

interface Cost {
  readonly kilobytes: number;
  readonly microseconds: number;
  readonly connections: number;
}

async function report<T extends object>(
  name: string,
  tenants: number,
  make: () => Promise<T>,
  dispose: (made: T) => Promise<unknown> = async () => {},
): Promise<void> {
  const costs: Cost[] = [];
  for (let round = 0; round <= ROUNDS; round++) costs.push(await measure(tenants, make, dispose));
  // The first round compiles.
  costs.shift();
  const column = (pick: (cost: Cost) => number, digits: number): string =>
    median(costs.map(pick)).toFixed(digits).padStart(9);
  console.log(
    `  ${name.padEnd(62)}${column((cost) => cost.kilobytes, 2)}${column((cost) => cost.microseconds, 1)}${column((cost) => cost.connections, 0)}`,
  );
}

/** One round, in a frame of its own: what an earlier one made must not be held by a register of this one. */
async function measure<T extends object>(
  tenants: number,
  make: () => Promise<T>,
  dispose: (made: T) => Promise<unknown>,
): Promise<Cost> {
  const connectedBefore = await countConnections();
  const before = collectedHeap();
  const kept: T[] = [];
  const startedAt = performance.now();
  for (let i = 0; i < tenants; i++) kept.push(await make());
  const elapsedMs = performance.now() - startedAt;
  const after = collectedHeap();
  const connectedAfter = await countConnections();
  for (const made of kept) await dispose(made);
  return {
    kilobytes: (after - before) / 1_024 / tenants,
    microseconds: (elapsedMs * 1_000) / tenants,
    connections: (connectedAfter - connectedBefore) / tenants,
  };
}

async function countConnections(): Promise<number> {
  // Sessions that were closed may take the server a moment to clear away.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { rows } = await admin.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM pg_stat_activity',
  );
  return rows[0]!.count;
}

function collectedHeap(): number {
  if (!globalThis.gc) throw new Error('Run with --expose-gc: npm run views -w bench');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
