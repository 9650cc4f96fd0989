import { TenantContext, TenantContextMissingError, type Tenant } from '@tenantry/core';
import type { DataSource } from 'typeorm';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import { Book, openTwoLibraries } from './library.js';

let database: TenantDatabase;
let dataSource: DataSource;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  ({ database, acme, globex } = await openTwoLibraries());
  ({ dataSource } = database);
});

afterAll(() => database.close());

describe('two tenants with rows of the same primary keys', () => {
  it('keep to their tenant for a lazy relation that is touched in the context of another', async () => {
    const book = await TenantContext.run(acme, () =>
      dataSource.getRepository(Book).findOneByOrFail({ id: 1 }),
    );
    const translator = await TenantContext.run(globex, () => book.translator);
    expect(translator?.name).toBe('translator of acme');
  });

  it('keep to their tenant for the lazy relation of an entity that a pinned view loaded or made in the context of another', async () => {
    const view = database.dataSource.views.forTenant(acme);
    const names = await TenantContext.run(globex, async () => {
      const loaded = await view.getRepository(Book).findOneByOrFail({ id: 1 });
      const made = view.getRepository(Book).create({ id: 1 });
      return [(await loaded.translator)?.name, (await made.translator)?.name];
    });
    expect(names).toEqual(['translator of acme', 'translator of acme']);
  });

  it('keep to their tenant for a lazy relation of an entity that was made with new and saved', async () => {
    const book = Object.assign(new Book(), { id: 50, title: 'fresh' });
    await TenantContext.run(acme, async () => {
      await dataSource.getRepository(Book).save(book);
      await dataSource.createQueryBuilder().relation(Book, 'shelves').of(50).add(1);
    });
    const shelves = await TenantContext.run(globex, () => book.shelves);
    expect(shelves.map(({ label }) => label)).toEqual(['shelf of acme']);
  });
});

describe('a lazy relation that cannot be loaded', () => {
  it('rejects where it is awaited and ends no process', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const orphan = Object.assign(new Book(), { id: 1 });
    await expect(orphan.translator).rejects.toThrow(TenantContextMissingError);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
