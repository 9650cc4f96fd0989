import { TenantContext, type Tenant } from '@tenantry/core';
import { QueryFailedError, type DataSource } from 'typeorm';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import { openTwoLibraries } from './library.js';

let database: TenantDatabase;
let dataSource: DataSource;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  ({ database, acme, globex } = await openTwoLibraries());
  ({ dataSource } = database);
});

afterAll(() => database.close());

describe('a tenant at level L1', () => {
  it('cannot read another by its qualified name', async () => {
    const query = TenantContext.run(acme, () => dataSource.query(`SELECT * FROM "${globex.schema}".note`));
    await expect(query).rejects.toThrow(/permission denied/);
  });

  it('cannot stack statements', async () => {
    const query = TenantContext.run(acme, () => dataSource.query(`SELECT 1; SELECT * FROM note`));
    await expect(query).rejects.toThrow(/multiple commands/);
  });

  it('cannot change its role inside a statement', async () => {
    const query = TenantContext.run(acme, () =>
      dataSource.query(`SELECT set_config('role', '${globex.schema}', true)`),
    );
    await expect(query).rejects.toThrow(QueryFailedError);
  });

  it('cannot read the central schema, nor can central code read a tenant', async () => {
    await expect(
      TenantContext.run(acme, () => dataSource.query('SELECT * FROM tenantry.tenants')),
    ).rejects.toThrow(/permission denied/);
    await expect(
      TenantContext.runCentral(() => dataSource.query(`SELECT * FROM "${acme.schema}".note`)),
    ).rejects.toThrow(/permission denied/);
  });
});
