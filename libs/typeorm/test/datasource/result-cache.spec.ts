import { TenantContext, TenantContextMissingError, type Tenant } from '@tenantry/core';
import type { QueryResultCache } from 'typeorm/cache/QueryResultCache.js';
import type { QueryResultCacheOptions } from 'typeorm/cache/QueryResultCacheOptions.js';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import type { TenantDatabase } from '../../src/testing/index.js';
import { CreateNotes1700000001000, Note } from './notes.js';

/** A cache as applications bring it: keyed by identifier or SQL, knowing nothing of tenants. */
class MemoryCache implements QueryResultCache {
  readonly entries = new Map<string, QueryResultCacheOptions>();
  readonly calls: string[] = [];

  async connect(): Promise<void> {
    this.calls.push('connect');
  }

  async disconnect(): Promise<void> {
    this.calls.push('disconnect');
  }

  async synchronize(): Promise<void> {}

  async getFromCache(options: QueryResultCacheOptions): Promise<QueryResultCacheOptions | undefined> {
    return this.entries.get(options.identifier ?? options.query!);
  }

  async storeInCache(options: QueryResultCacheOptions): Promise<void> {
    this.entries.set(options.identifier ?? options.query!, options);
  }

  isExpired(): boolean {
    return false;
  }

  async clear(): Promise<void> {
    this.calls.push('clear');
  }

  async remove(identifiers: string[]): Promise<void> {
    for (const identifier of identifiers) this.entries.delete(identifier);
  }
}

let cache: MemoryCache;
let other: MemoryCache;
let database: TenantDatabase;
let dataSource: TenantDataSource;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  database = await openTenantDatabase({
    migrations: [CreateNotes1700000001000],
    typeorm: { entities: [Note], poolSize: 4, cache: { provider: () => (cache = new MemoryCache()) } },
  });
  ({ dataSource } = database);
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
});

beforeEach(async () => {
  cache.entries.clear();
  cache.calls.length = 0;
  for (const tenant of [acme, globex]) await write(tenant, `first of ${tenant.slug}`);
});

afterAll(() => database.close());

function write(tenant: Tenant, text: string): Promise<unknown> {
  return TenantContext.run(tenant, () => dataSource.getRepository(Note).save({ id: 1, text }));
}

async function cached(tenant: Tenant, id?: string): Promise<string> {
  return TenantContext.run(tenant, async () => {
    const query = dataSource.createQueryBuilder(Note, 'n').where('n.id = :id', { id: 1 });
    return (await (id === undefined ? query.cache(true) : query.cache(id, 60_000)).getOneOrFail()).text;
  });
}

/** Both tenants have cached their first text, and written a second one that the cache hides. */
async function fillAndOverwrite(id?: string): Promise<void> {
  for (const tenant of [acme, globex]) {
    await expect(cached(tenant, id)).resolves.toBe(`first of ${tenant.slug}`);
    await write(tenant, `second of ${tenant.slug}`);
    await expect(cached(tenant, id)).resolves.toBe(`first of ${tenant.slug}`);
  }
}

describe.each([
  ['a query cached by its SQL', undefined],
  ['a query cached by an identifier', 'the-note'],
])('%s', (_, id) => {
  it('gives two tenants their own results', async () => {
    await fillAndOverwrite(id);
    expect(cache.entries.size).toBe(2);
  });

  it('is forgotten for the tenant that clears, and for no other', async () => {
    await fillAndOverwrite(id);
    await TenantContext.run(acme, () => dataSource.queryResultCache!.clear());
    await expect(Promise.all([cached(acme, id), cached(globex, id)])).resolves.toEqual([
      'second of acme',
      'first of globex',
    ]);
    expect(cache.calls).toEqual([]);
  });
});

describe('clear() and remove()', () => {
  it('concern only the entries of the tenant in force', async () => {
    await fillAndOverwrite('the-note');
    await TenantContext.run(acme, () => dataSource.queryResultCache!.remove(['the-note']));
    await expect(cached(acme, 'the-note')).resolves.toBe('second of acme');
    await expect(cached(globex, 'the-note')).resolves.toBe('first of globex');
  });

  it('concern the tenant of a pinned view or a query runner, whoever is in force', async () => {
    await fillAndOverwrite('the-note');
    await TenantContext.run(globex, () => dataSource.views.forTenant(acme).queryResultCache!.clear());
    await expect(cached(acme, 'the-note')).resolves.toBe('second of acme');
    await expect(cached(globex, 'the-note')).resolves.toBe('first of globex');

    const runner = dataSource.views.forTenant(globex).createQueryRunner();
    await TenantContext.run(acme, () => dataSource.queryResultCache!.remove(['the-note'], runner));
    await runner.release();
    await expect(cached(globex, 'the-note')).resolves.toBe('second of globex');
  });

  it('are refused without a tenant, rather than done for all', async () => {
    await fillAndOverwrite('the-note');
    await expect(dataSource.queryResultCache!.clear()).rejects.toThrow(TenantContextMissingError);
    await expect(dataSource.queryResultCache!.remove(['the-note'])).rejects.toThrow(
      TenantContextMissingError,
    );
    await expect(cached(acme, 'the-note')).resolves.toBe('first of acme');
  });

  it('keep the central entries apart as well', async () => {
    await fillAndOverwrite('the-note');
    await TenantContext.runCentral(() => dataSource.queryResultCache!.clear());
    await expect(cached(acme, 'the-note')).resolves.toBe('first of acme');
  });
});

it('serves a pinned view from the cache of its own tenant', async () => {
  await fillAndOverwrite();
  const text = async (): Promise<string> =>
    (
      await dataSource.views
        .forTenant(acme)
        .getRepository(Note)
        .findOneOrFail({ where: { id: 1 }, cache: true })
    ).text;
  await expect(TenantContext.run(globex, text)).resolves.toBe('second of acme');
  await write(acme, 'third of acme');
  await expect(TenantContext.run(globex, text)).resolves.toBe('second of acme');
});

it('is connected and disconnected with the data source', async () => {
  const { adminUrl, isolation } = database;
  const own = await new TenantDataSource(
    { type: 'postgres', url: adminUrl, cache: { provider: () => (other = new MemoryCache()) } },
    { isolation: { ...isolation, level: 'path' } },
  ).initialize();
  await own.destroy();
  expect(other.calls).toEqual(['connect', 'disconnect']);
});
