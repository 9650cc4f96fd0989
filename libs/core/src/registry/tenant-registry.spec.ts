import { setImmediate as immediate } from 'node:timers/promises';
import { TenantContext } from '../context/tenant-context.js';
import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { InMemoryTenantStore, tenantRecord } from '../testing/in-memory-tenant-store.js';
import { resolveTenantRegistryOptions } from './tenant-registry.options.js';
import { TenantRegistry, type TenantLookup } from './tenant-registry.js';

const acme = tenantRecord({ slug: 'acme', domains: ['acme.test'] });
const globex = tenantRecord({ slug: 'globex', domains: ['globex.test'] });
const WAYS: readonly [TenantLookup, string][] = [
  ['id', acme.id],
  ['slug', 'acme'],
  ['domain', 'acme.test'],
];

function setUp() {
  const store = new InMemoryTenantStore(acme, globex);
  return { store, registry: new TenantRegistry(store) };
}

describe('TenantRegistry', () => {
  it.each(WAYS)('finds a tenant by %s and asks the store once', async (by, value) => {
    const { store, registry } = setUp();
    await expect(registry.lookup(by, value)).resolves.toEqual(acme);
    await expect(registry.lookup(by, value)).resolves.toEqual(acme);
    expect(store.lookups).toEqual({ id: 0, slug: 0, domain: 0, [by]: 1 });
  });

  it('does not take a slug for a domain or an id of the same text', async () => {
    const { registry } = setUp();
    await registry.lookup('slug', 'acme');
    await expect(registry.lookup('domain', 'acme')).resolves.toBeUndefined();
    await expect(registry.find('acme')).resolves.toBeUndefined();
  });

  it('forgets all that is known of a changed tenant, and what was unknown, but keeps the others', async () => {
    const { store, registry } = setUp();
    for (const [by, value] of WAYS) await registry.lookup(by, value);
    await registry.lookup('slug', 'acme-two');
    await registry.find(globex.id);
    store.put({ ...acme, slug: 'acme-two', domains: ['acme-two.test'] });
    registry.invalidate(acme.id);

    await expect(registry.lookup('slug', 'acme')).resolves.toBeUndefined();
    await expect(registry.lookup('domain', 'acme.test')).resolves.toBeUndefined();
    await expect(registry.lookup('slug', 'acme-two')).resolves.toMatchObject({ id: acme.id });
    await expect(registry.find(acme.id)).resolves.toMatchObject({ slug: 'acme-two' });
    const asked = store.lookups.id;
    await registry.find(globex.id);
    expect(store.lookups.id).toBe(asked);
  });

  it('does not remember a store that fails', async () => {
    const { store, registry } = setUp();
    jest.spyOn(store, 'findById').mockRejectedValueOnce(new Error('down'));
    await expect(registry.find(acme.id)).rejects.toThrow('down');
    await expect(registry.find(acme.id)).resolves.toEqual(acme);
  });

  it('asks the store outside of the tenant that happened to ask first, and answers each asker in its own', async () => {
    const { store, registry } = setUp();
    const seen: unknown[] = [];
    jest.spyOn(store, 'findById').mockImplementation(async () => {
      await immediate();
      seen.push(TenantContext.scope());
      return acme;
    });
    const ask = (tenant: typeof acme) =>
      TenantContext.run(tenant, async () => {
        await registry.find(acme.id);
        return TenantContext.require().slug;
      });
    await expect(Promise.all([ask(acme), ask(globex)])).resolves.toEqual(['acme', 'globex']);
    expect(seen).toEqual([undefined]);
  });

  it('hands out records that nobody can change for the others', async () => {
    const source = { ...acme, metadata: { theme: 'red' } };
    const { registry } = { registry: new TenantRegistry(new InMemoryTenantStore(source)) };
    const record = await registry.find(acme.id);
    source.metadata.theme = 'blue';
    expect(record!.metadata).toEqual({ theme: 'red' });
    expect([record, record!.domains, record!.metadata].every((part) => Object.isFrozen(part))).toBe(true);
  });

  it('lists straight from the store', async () => {
    const { registry } = setUp();
    await expect(registry.list({ limit: 1, offset: 1 })).resolves.toMatchObject({ total: 2, items: [{}] });
  });
});

describe('TenantRegistry.watch', () => {
  it('sees a change at once, and one made while a look-up was under way', async () => {
    const { store, registry } = setUp();
    await registry.watch();
    await registry.find(acme.id);
    store.put({ ...acme, status: 'suspended' });
    await expect(registry.find(acme.id)).resolves.toMatchObject({ status: 'suspended' });

    registry.invalidate();
    const underWay = registry.find(acme.id);
    store.put({ ...acme, status: 'archived' });
    await underWay;
    await expect(registry.find(acme.id)).resolves.toMatchObject({ status: 'archived' });
  });

  it('forgets what was looked up before it watched', async () => {
    const { store, registry } = setUp();
    await registry.find(acme.id);
    store.put({ ...acme, status: 'suspended' });
    await registry.watch();
    await expect(registry.find(acme.id)).resolves.toMatchObject({ status: 'suspended' });
  });

  it('subscribes once however often it is asked to, and ends that on request', async () => {
    const { store, registry } = setUp();
    const watch = jest.spyOn(store, 'watch');
    await Promise.all([registry.watch(), registry.watch()]);
    expect(watch).toHaveBeenCalledTimes(1);
    await registry.stopWatching();
    await registry.stopWatching();
    await registry.find(acme.id);
    store.put({ ...acme, status: 'suspended' });
    await expect(registry.find(acme.id)).resolves.toMatchObject({ status: 'active' });
  });

  it('is content with a store that cannot tell of changes', async () => {
    const { store } = setUp();
    const registry = new TenantRegistry(Object.assign(Object.create(store), { watch: undefined }));
    await expect(registry.watch()).resolves.toBeUndefined();
    await expect(registry.stopWatching()).resolves.toBeUndefined();
  });
});

describe('resolveTenantRegistryOptions', () => {
  it('takes what is left out, or undefined, from the defaults', () => {
    const input = { cacheTtlMs: undefined, negativeTtlMs: 0 } as object;
    expect(resolveTenantRegistryOptions(input)).toEqual({
      cacheTtlMs: 30_000,
      negativeTtlMs: 0,
      maxCacheEntries: 10_000,
    });
  });

  it.each([{ cacheTtlMs: -1 }, { negativeTtlMs: 0.5 }, { cacheTtlMs: NaN }, { maxCacheEntries: 0 }])(
    'refuses %j and names the option',
    (input) => {
      expect(() => resolveTenantRegistryOptions(input)).toThrow(TenancyConfigurationError);
      expect(() => resolveTenantRegistryOptions(input)).toThrow(`registry.${Object.keys(input)[0]}`);
    },
  );
});
