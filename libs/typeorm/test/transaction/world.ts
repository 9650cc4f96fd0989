import { TenantContext, type Tenant } from '@tenantry/core';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CreateLibrary1710000000000, LIBRARY, seedLibrary } from '../../../../test/isolation/library.js';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { TenantDatabase, TenantTransactions, type TenantDataSource } from '../../src/index.js';
import { poolOf } from '../../src/datasource/view-binding.js';
import type { TenantDatabase as TestDatabase, TenantDatabaseOptions } from '../../src/testing/index.js';

/** The central schema has a table of the tenants' name: a query that lands there finds something, and is noticed. */
class CreateCentralNotes1730000000000 implements MigrationInterface {
  readonly name = 'CreateCentralNotes1730000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE note`);
  }
}

/** Two tenants and the central schema, each with a note 1 of its own. */
export interface World {
  readonly database: TestDatabase;
  readonly dataSource: TenantDataSource;
  readonly transactions: TenantTransactions;
  readonly sql: TenantDatabase;
  readonly acme: Tenant;
  readonly globex: Tenant;
  /** As everybody else sees them now: id and text by schema, in order of id, without the note 1. */
  notesOf(place: Tenant | 'central'): Promise<string[]>;
  /** As the admin login. */
  admin(sql: string, params: readonly unknown[]): Promise<void>;
  /** Removes what a test has left, and finds connections that are still on loan. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openWorld({
  typeorm,
  ...options
}: Partial<Omit<TenantDatabaseOptions, 'adminUrl'>> = {}): Promise<World> {
  const database = await openTenantDatabase({
    migrations: [CreateLibrary1710000000000],
    centralMigrations: [CreateCentralNotes1730000000000],
    typeorm: { entities: LIBRARY, poolSize: 4, ...typeorm },
    ...options,
  });
  const { dataSource } = database;
  const [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  const query = (sql: string): Promise<unknown> => dataSource.query(sql);
  for (const tenant of [acme, globex]) await TenantContext.run(tenant, () => seedLibrary(query, tenant.slug));
  await TenantContext.runCentral(() => query(`INSERT INTO note VALUES (1, 'note of central')`));
  const transactions = new TenantTransactions(dataSource);
  const viewOf = (place: Tenant | 'central') =>
    place === 'central' ? dataSource.views.central() : dataSource.views.forTenant(place);
  return {
    database,
    dataSource,
    transactions,
    sql: new TenantDatabase(dataSource, transactions),
    acme,
    globex,
    notesOf: async (place) => {
      const rows: { id: number; text: string }[] = await viewOf(place).query(
        'SELECT id, text FROM note WHERE id > 1 ORDER BY id',
      );
      return rows.map(({ id, text }) => `${id} ${text}`);
    },
    admin: async (sql, params) => {
      const client = new Client({ connectionString: database.adminUrl });
      await client.connect();
      await client.query(sql, [...params]);
      await client.end();
    },
    reset: async () => {
      const { totalCount, idleCount, waitingCount } = poolOf(dataSource);
      expect({ onLoan: totalCount - idleCount, waitingCount }).toEqual({ onLoan: 0, waitingCount: 0 });
      for (const place of [acme, globex, 'central'] as const)
        await viewOf(place).query('DELETE FROM note WHERE id > 1');
    },
    close: () => database.close(),
  };
}

export { poolOf };

/** A promise that is settled from outside. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}
