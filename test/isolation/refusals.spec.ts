import { TenancyConfigurationError } from '@tenantry/core';
import { TenantDataSource } from '@tenantry/typeorm';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import { EntitySchema } from 'typeorm';
import { openTenantDatabase } from '../support/tenant-database.js';

const pinned = new EntitySchema<{ id: number }>({
  name: 'pinned',
  schema: 'public',
  columns: { id: { type: 'int', primary: true } },
});

/** A TypeORM feature that cannot be had together with tenants says so at the start, and not by wrong rows. */
describe('an application that is switched over', () => {
  let database: TenantDatabase;

  beforeAll(async () => {
    database = await openTenantDatabase({ migrations: [], typeorm: { entities: [] } });
  });

  afterAll(() => database.close());

  it('does not start with an entity of a fixed schema, and leaves no connection behind', async () => {
    const { runtimeUrl: url, isolation } = database;
    const dataSource = new TenantDataSource({ type: 'postgres', url, entities: [pinned] }, { isolation });
    await expect(dataSource.initialize()).rejects.toThrow(TenancyConfigurationError);
    await expect(dataSource.initialize()).rejects.toThrow(/'pinned' is pinned to schema 'public'/);
    expect(dataSource.isInitialized).toBe(false);
  });

  it.each([
    { cache: { provider: () => ({}) as never } },
    { cache: true },
    { schema: 'public' },
    { synchronize: true },
  ])('cannot set %j on a running data source, nor on a view', async (options) => {
    const { dataSource } = database;
    expect(() => dataSource.setOptions(options)).toThrow(TenancyConfigurationError);
    expect(() => dataSource.views.central().setOptions(options)).toThrow(TenancyConfigurationError);
  });

  it('keeps the pool of everybody when a view is destroyed', async () => {
    const { dataSource } = database;
    await dataSource.views.central().destroy();
    await expect(dataSource.views.central().query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });
});
