import { TenantContext, TenantContextMissingError, type Tenant } from '@tenantry/core';
import { createTestDatabase } from '@tenantry/dev-servers/testing';
import type { TenantDatabase, TenantDatabaseOptions } from '@tenantry/typeorm/testing';
import pg from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { openTenantDatabase } from '../support/tenant-database.js';

/** One feature of TypeORM, as two tenants with rows of the same primary keys use it. */
export interface SurfaceCase {
  readonly name: string;
  /** What an application would write; knows nothing of tenants. */
  readonly run: (dataSource: DataSource) => Promise<unknown>;
  /** What the tenant of this slug must see. Different for each tenant, or the case would prove nothing. */
  readonly own: (slug: string) => unknown;
  /** It changes rows: run once per tenant, whose rows are put back afterwards. */
  readonly writes?: true;
  /** Why it cannot be asked of a pinned view. */
  readonly onlyRouted?: string;
}

export interface SurfaceOptions {
  readonly entities: NonNullable<NonNullable<TenantDatabaseOptions['typeorm']>['entities']>;
  /** Rows of a tenant, the same for all but for the tenant's own name or number in them. */
  readonly seed: (slug: string) => string;
  readonly cases: readonly SurfaceCase[];
  readonly typeorm?: TenantDatabaseOptions['typeorm'];
}

/** What the cases ran in, for what needs more than one tenant to tell. Filled before the first test. */
export interface Surface {
  database: TenantDatabase;
  dataSource: TenantDatabase['dataSource'];
  acme: Tenant;
  globex: Tenant;
  /** Of the login that owns the tables. */
  admin: pg.Client;
  as: <T>(tenant: Tenant, fn: () => Promise<T>) => Promise<T>;
  reset: () => Promise<void>;
}

/** A number of each tenant's own, for what is counted. */
export const numberOf = (slug: string): number => (slug === 'acme' ? 1 : 100);

/** Each case four times: both tenants at once, no tenant, routing broken on purpose, and a view pinned to one. */
export function describeSurface(concept: string, options: SurfaceOptions): Surface {
  const { entities, seed, cases } = options;
  const surface = { as: (tenant, fn) => TenantContext.run(tenant, fn) } as Surface;

  beforeAll(async () => {
    const migration = await migrationOf(entities);
    const database = await openTenantDatabase({
      migrations: [migration],
      typeorm: { poolSize: 4, ...options.typeorm, entities },
    });
    const [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
    const admin = new pg.Client(database.adminUrl);
    await admin.connect();
    const reset = (): Promise<void> => resetRows(admin, [acme, globex], seed);
    Object.assign(surface, { database, dataSource: database.dataSource, acme, globex, admin, reset });
    await reset();
  });

  afterAll(async () => {
    await surface.admin?.end();
    await surface.database?.close();
  });

  describe(`two tenants, ${concept}`, () => {
    const table = cases.map((surfaceCase) => [surfaceCase.name, surfaceCase] as const);

    test.each(table)('each have their own through %s', async (_, surfaceCase) => {
      const { acme, globex } = surface;
      const tenants = surfaceCase.writes ? [acme, globex] : [acme, globex, acme, globex];
      try {
        await expectOwn(surface, surfaceCase, tenants);
      } finally {
        if (surfaceCase.writes) await surface.reset();
      }
    });

    test.each(table)('get nothing without a context through %s', async (_, { run }) => {
      await expect(run(surface.dataSource)).rejects.toThrow(TenantContextMissingError);
    });

    test.each(table)(
      'would be told apart if routing stuck to one of them through %s',
      async (_, surfaceCase) => {
        const { views } = surface.database.dataSource;
        const stuck = jest.spyOn(views, 'forTenant').mockReturnValue(views.forTenant(surface.acme));
        try {
          await expect(expectOwn(surface, surfaceCase, [surface.globex])).rejects.toThrow();
        } finally {
          stuck.mockRestore();
          if (surfaceCase.writes) await surface.reset();
        }
      },
    );

    // Not test.each, which refuses an empty table.
    for (const { name, run, own, writes, onlyRouted } of cases) {
      if (onlyRouted) continue;
      it(`keep to a pinned view, in the context of another and in none, through ${name}`, async () => {
        const { database, acme, globex, as, reset } = surface;
        const view = database.dataSource.views.forTenant(acme);
        for (const call of [() => as(globex, () => run(view)), () => run(view)]) {
          try {
            expect(await call()).toEqual(own(acme.slug));
          } finally {
            if (writes) await reset();
          }
        }
      });
    }

    it('are asked about exactly the features listed', () => {
      expect(cases.map(({ name }) => name)).toMatchSnapshot();
    });
  });

  return surface;
}

async function expectOwn(
  { dataSource, as }: Surface,
  { run, own }: SurfaceCase,
  tenants: readonly Tenant[],
): Promise<void> {
  const results = await Promise.all(tenants.map((tenant) => as(tenant, () => run(dataSource))));
  expect(results).toEqual(tenants.map(({ slug }) => own(slug)));
}

async function resetRows(
  admin: pg.Client,
  tenants: readonly Tenant[],
  seed: SurfaceOptions['seed'],
): Promise<void> {
  for (const { schema, slug } of tenants) {
    await admin.query(`
      SET search_path = "${schema}";
      DO $$ DECLARE tables text; BEGIN
        SELECT string_agg(format('%I', tablename), ', ') INTO tables FROM pg_tables
        WHERE schemaname = current_schema() AND tablename NOT IN ('migrations', 'typeorm_metadata');
        EXECUTE 'TRUNCATE ' || tables || ' RESTART IDENTITY CASCADE';
      END $$;
      ${seed(slug)}`);
  }
}

/** A schema whose name occurs nowhere else, so that it can be taken out of SQL. */
const MODEL_SCHEMA = 'tenantry_model';

/** The migration that `migration:generate` would write for these entities; see docs/guides/typeorm-cli.md. */
async function migrationOf(entities: SurfaceOptions['entities']): Promise<new () => MigrationInterface> {
  const database = await createTestDatabase();
  const admin = new pg.Client(database.url);
  await admin.connect();
  await admin.query(`CREATE SCHEMA ${MODEL_SCHEMA}`);
  await admin.end();
  const model = await new DataSource({
    type: 'postgres',
    url: database.url,
    entities,
    extra: { options: `-c search_path=${MODEL_SCHEMA}` },
    uuidExtension: 'pgcrypto',
    installExtensions: false,
  }).initialize();
  const { upQueries } = await model.driver.createSchemaBuilder().log();
  await model.destroy();
  await database.drop();
  // Rows about views and generated columns, for the next `migration:generate`; a tenant has no use for them.
  const statements = upQueries
    .filter(({ parameters }) => !parameters?.length)
    .map(({ query }) => query.replaceAll(`"${MODEL_SCHEMA}".`, ''));
  return class CreateModel1710000000000 implements MigrationInterface {
    readonly name = 'CreateModel1710000000000';

    async up(queryRunner: QueryRunner): Promise<void> {
      for (const statement of statements) await queryRunner.query(statement);
    }

    async down(): Promise<void> {}
  };
}
