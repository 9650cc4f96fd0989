import { Column, Entity, PrimaryColumn, type DataSource } from 'typeorm';
import type { QueryResultCache } from 'typeorm/cache/QueryResultCache.js';
import type { QueryResultCacheOptions } from 'typeorm/cache/QueryResultCacheOptions.js';
import { describeSurface, type SurfaceCase } from './surface.js';

@Entity()
class Headline {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  text!: string;
}

/** What an application would write on top of its own store: knows nothing of tenants. */
class MapCache implements QueryResultCache {
  readonly entries = new Map<string, QueryResultCacheOptions>();

  async connect(): Promise<void> {}
  async disconnect(): Promise<void> {}
  async synchronize(): Promise<void> {}

  async getFromCache({
    identifier,
    query,
  }: QueryResultCacheOptions): Promise<QueryResultCacheOptions | undefined> {
    return this.entries.get(identifier ?? query!);
  }

  async storeInCache(options: QueryResultCacheOptions): Promise<void> {
    this.entries.set(options.identifier ?? options.query!, options);
  }

  isExpired({ time, duration }: QueryResultCacheOptions): boolean {
    return time! + duration < Date.now();
  }

  async clear(): Promise<void> {
    this.entries.clear();
  }

  async remove(identifiers: string[]): Promise<void> {
    for (const identifier of identifiers) this.entries.delete(identifier);
  }
}

const store = new MapCache();
const headlines = (db: DataSource) => db.getRepository(Headline);
const change = (db: DataSource) => headlines(db).updateAll({ text: 'changed' });

const READS: readonly (readonly [string, boolean | number | { id: string; milliseconds: number }])[] = [
  ['by SQL', true],
  ['by SQL, for some time', 60_000],
  ['by a name of the application', { id: 'headline', milliseconds: 60_000 }],
];

const CASES: readonly SurfaceCase[] = [
  ...READS.map(([how, cache]): SurfaceCase => ({
    name: `results cached ${how}`,
    run: async (db) => {
      const read = async () =>
        (await headlines(db).findOneOrFail({ where: { id: 1 }, cache: cache === true ? 60_000 : cache }))
          .text;
      await db.queryResultCache?.clear();
      const first = await read();
      await change(db);
      return [first, await read()];
    },
    own: (s) => [`headline of ${s}`, `headline of ${s}`],
    writes: true,
  })),
  {
    name: 'a cached count of a query builder',
    run: async (db) => {
      await db.queryResultCache?.clear();
      const query = () => headlines(db).createQueryBuilder('h').where('h.text LIKE :text', { text: '%acme' });
      return [
        await query().cache('count', 60_000).getCount(),
        (await query().cache('rows', 60_000).getMany()).length,
        await query().cache('count', 60_000).getCount(),
      ];
    },
    own: (s) => (s === 'acme' ? [1, 1, 1] : [0, 0, 0]),
    writes: true,
  },
];

const surface = describeSurface('cached results', {
  entities: [Headline],
  seed: (name) => `INSERT INTO headline VALUES (1, 'headline of ${name}');`,
  cases: CASES,
  typeorm: { cache: { provider: () => store } },
});

describe('the result cache', () => {
  it('forgets the entries of one tenant by name, and keeps those of another', async () => {
    const { dataSource, acme, globex, as, reset } = surface;
    const read = () =>
      headlines(dataSource).findOneOrFail({ where: { id: 1 }, cache: { id: 'named', milliseconds: 60_000 } });
    for (const tenant of [acme, globex]) {
      await as(tenant, async () => {
        await read();
        await dataSource.query(`UPDATE headline SET text = 'changed'`);
      });
    }
    await as(acme, async () => dataSource.queryResultCache?.remove(['named']));
    expect((await as(acme, read)).text).toBe('changed');
    expect((await as(globex, read)).text).toBe('headline of globex');
    await reset();
  });
});
