import { TenantContext, type Tenant } from '@tenantry/core';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import { Note, openTwoLibraries } from './library.js';

/** What level `path` gives, and what it does not: both are promises of `docs/security.md`. */
describe('tenants at level L0', () => {
  let database: TenantDatabase;
  let acme: Tenant;
  let globex: Tenant;

  beforeAll(async () => {
    ({ database, acme, globex } = await openTwoLibraries({ isolation: { level: 'path' } }));
  });

  afterAll(() => database.close());

  it('each see their own rows, and the central schema sees none', async () => {
    const texts = await Promise.all(
      [acme, globex].map((tenant) =>
        TenantContext.run(tenant, async () => (await Note.findOneByOrFail({ id: 1 })).text),
      ),
    );
    expect(texts).toEqual(['note of acme', 'note of globex']);
    await expect(TenantContext.runCentral(() => Note.find())).rejects.toThrow(
      /relation "note" does not exist/,
    );
    expect(await TenantContext.runCentral(() => database.dataSource.query('SELECT * FROM tenants'))).toEqual(
      [],
    );
  });

  it('are not kept from another schema by its qualified name: that takes level L1', async () => {
    const rows = await TenantContext.run(acme, () =>
      database.dataSource.query(`SELECT text FROM "${globex.schema}".note`),
    );
    expect(rows).toEqual([{ text: 'note of globex' }]);
  });
});
