/**
 * Question: what does the tenant in every batch cost, against stock single-tenant TypeORM?
 * Method: see `compare`. One operation in flight, one connection each, one PostgreSQL for all; CPU is this
 * process plus all backends. The null check is stock TypeORM a second time: its distance from 1 is the noise.
 */
import { TenantContext } from '@tenantry/core';
import { startPostgres } from '@tenantry/dev-servers';
import { startTenantDatabase } from '@tenantry/typeorm/testing';
import { Client } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { compare, printComparison, type Variant } from '../support/blocks.js';
import { cpuClock } from '../support/cpu-clock.js';
import { describeMachine } from '../support/machine.js';
import { Article, CREATE_ARTICLE, CreateArticle1730000000000 } from './model.js';

const ROUNDS = Number(process.argv[2] ?? 150);

const server = await startPostgres();
const database = await startTenantDatabase({
  adminUrl: server.url,
  migrations: [CreateArticle1730000000000],
  typeorm: { applicationName: 'bench', entities: [Article], poolSize: 1, extra: { idleTimeoutMillis: 0 } },
});
const tenant = await database.createTenant();
const admin = new Client({ connectionString: server.url });
await admin.connect();
await admin.query(`CREATE SCHEMA single; SET search_path = single; ${CREATE_ARTICLE}`);

const stock = async (): Promise<DataSource> =>
  new DataSource({
    type: 'postgres',
    url: server.url,
    entities: [Article],
    poolSize: 1,
    applicationName: 'bench',
    installExtensions: false,
    extra: { options: '-c search_path=single', idleTimeoutMillis: 0 },
  }).initialize();
const [single, copy] = [await stock(), await stock()];
const inTenant = <T>(run: () => Promise<T>): Promise<T> => TenantContext.run(tenant, run);

const find = (manager: EntityManager): Promise<unknown> => manager.findOneByOrFail(Article, { id: 1 });
const save = (manager: EntityManager): Promise<unknown> =>
  manager.save(Article, {
    title: 'A title',
    body: 'Lorem ipsum dolor sit amet, consectetur adipiscing elit.',
  });
for (const manager of [single.manager, copy.manager]) await save(manager);
await inTenant(() => save(database.dataSource.manager));

const variants = (operation: (manager: EntityManager) => Promise<unknown>): readonly Variant[] => [
  { name: 'stock TypeORM, one schema', run: () => operation(single.manager) },
  { name: 'null check: the same again', run: () => operation(copy.manager) },
  {
    name: 'Tenantry, tenant from the context, L1',
    run: () => inTenant(() => operation(database.dataSource.manager)),
  },
];
const cpu = await cpuClock(admin, 'bench');
console.log(describeMachine(server.version));
printComparison('find by id', await compare(variants(find), { rounds: ROUNDS, operations: 40, cpu }));
printComparison('save (insert)', await compare(variants(save), { rounds: ROUNDS, operations: 20, cpu }));

await Promise.all([single.destroy(), copy.destroy(), admin.end()]);
await database.close();
await server.stop();
