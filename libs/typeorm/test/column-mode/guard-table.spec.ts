import { randomUUID } from 'node:crypto';
import { TenancyConfigurationError, TenantContext, type Tenant } from '@tenantry/core';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import {
  Column,
  DataSource,
  Entity,
  PrimaryColumn,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { guardTable, unguardTable } from '../../src/column-mode/guard-table.js';
import { TenantOwned } from '../../src/column-mode/tenant-owned.js';

@Entity('orders')
class Order extends TenantOwned {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  item!: string;
}

class CreateOrders1720000000000 implements MigrationInterface {
  readonly name = 'CreateOrders1720000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE TABLE orders (id int PRIMARY KEY, item text NOT NULL)');
    await queryRunner.query(`INSERT INTO orders VALUES (0, 'there before')`);
    await guardTable(queryRunner, 'orders');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await unguardTable(queryRunner, 'orders');
  }
}

const CHECK_VIOLATION = '23514';

let database: TenantDatabase;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  database = await openTenantDatabase({
    migrations: [CreateOrders1720000000000],
    typeorm: { entities: [Order] },
  });
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
});

afterAll(() => database.close());

function inTenant<T>(tenant: Tenant, sql: string, parameters?: unknown[]): Promise<T> {
  return TenantContext.run(tenant, () => database.dataSource.query<T>(sql, parameters));
}

/** In a transaction of the admin login that is rolled back. */
async function migrating(schema: string, work: (queryRunner: QueryRunner) => Promise<void>): Promise<void> {
  const admin = await new DataSource({
    type: 'postgres',
    url: database.adminUrl,
    installExtensions: false,
  }).initialize();
  const queryRunner = admin.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    await queryRunner.query(`SET LOCAL search_path = "${schema}"`);
    await work(queryRunner);
    await queryRunner.rollbackTransaction();
  } finally {
    await queryRunner.release();
    await admin.destroy();
  }
}

describe('a guarded table', () => {
  it('has its own tenant in every row, also in those that were there before', async () => {
    for (const [i, tenant] of [acme, globex].entries()) {
      const repository = database.dataSource.views.forTenant(tenant).getRepository(Order);
      await repository.save({ id: i + 1, item: 'saved' });
      await repository.insert({ id: i + 10, item: 'inserted' });
      const rows = await inTenant<{ owner: string }[]>(
        tenant,
        'SELECT DISTINCT tenant_id AS owner FROM orders',
      );
      expect(rows).toEqual([{ owner: tenant.id }]);
    }
  });

  it("refuses another tenant's row, whether inserted, updated or imported", async () => {
    for (const [tenant, other] of [
      [acme, globex],
      [globex, acme],
    ] as const) {
      await expect(
        inTenant(tenant, 'INSERT INTO orders (id, item, tenant_id) VALUES (20, $1, $2)', ['x', other.id]),
      ).rejects.toMatchObject({ driverError: { code: CHECK_VIOLATION } });
      await expect(inTenant(tenant, 'UPDATE orders SET tenant_id = $1', [other.id])).rejects.toMatchObject({
        driverError: { code: CHECK_VIOLATION },
      });
      const exported = await inTenant<object[]>(other, 'SELECT id + 100 AS id, item, tenant_id FROM orders');
      const imported = inTenant(
        tenant,
        'INSERT INTO orders SELECT * FROM jsonb_populate_recordset(NULL::orders, $1::jsonb)',
        [JSON.stringify(exported)],
      );
      await expect(imported).rejects.toMatchObject({ driverError: { code: CHECK_VIOLATION } });
    }
  });

  it('shows the column to entities only when asked, and never takes it from them', async () => {
    const repository = database.dataSource.views.forTenant(acme).getRepository(Order);
    expect(await repository.findOneByOrFail({ id: 0 })).toEqual({ id: 0, item: 'there before' });
    const asked = await repository.findOneOrFail({ select: { id: true, tenantId: true }, where: { id: 0 } });
    expect(asked.tenantId).toBe(acme.id);
    await repository.save({ id: 0, item: 'changed', tenantId: globex.id });
    expect(await inTenant(acme, 'SELECT item, tenant_id AS owner FROM orders WHERE id = 0')).toEqual([
      { item: 'changed', owner: acme.id },
    ]);
  });
});

describe('guardTable', () => {
  it('is taken back by unguardTable', async () => {
    await migrating(acme.schema, async (queryRunner) => {
      await unguardTable(queryRunner, 'orders');
      const [row] = (await queryRunner.query('SELECT * FROM orders WHERE id = 0')) as object[];
      expect(Object.keys(row!)).toEqual(['id', 'item']);
      await guardTable(queryRunner, 'orders');
    });
  });

  it('wants to be told whose table it is where the schema does not say so', async () => {
    await migrating('public', async (queryRunner) => {
      const name = 'a_table_whose_name_is_so_long_that_nothing_fits_behind_it_"any"_';
      await queryRunner.query(`CREATE TABLE "${name.replaceAll('"', '""')}" (id int)`);
      await expect(guardTable(queryRunner, name)).rejects.toThrow(TenancyConfigurationError);
      const tenantId = randomUUID();
      await guardTable(queryRunner, name.slice(0, 63), { tenantId });
      expect(
        await queryRunner.query(
          `SELECT conname AS name FROM pg_constraint WHERE conname LIKE '%tenant_id_check' AND connamespace = 'public'::regnamespace`,
        ),
      ).toHaveLength(1);
    });
  });
});
