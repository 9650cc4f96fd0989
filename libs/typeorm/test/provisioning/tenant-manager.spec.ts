import {
  TenantContext,
  TenantManager,
  TenantNotFoundError,
  TenantRegistry,
  TenantTakenError,
  TenantTransitionError,
  type CreateTenantInput,
  type ProvisioningStep,
  type TenantRecord,
} from '@tenantry/core';
import type { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import { migrateCentral } from '../../src/provisioning/central-migrations.js';
import type { TenantProvisioner } from '../../src/provisioning/tenant-provisioner.js';
import { PostgresTenantStore } from '../../src/registry-store/postgres-tenant-store.js';
import { CreateShop1700000001000 } from './shop.js';
import { World } from './world.js';

let world: World;
let runtime: TenantDataSource;
let store: PostgresTenantStore;
let provisioner: TenantProvisioner;

beforeAll(async () => {
  world = await World.open();
  await world.setUp();
  await migrateCentral({ adminUrl: world.adminUrl, isolation: world.isolation });
  runtime = await world.dataSource('role', world.urlOf(world.login)).initialize();
  store = new PostgresTenantStore(runtime.views.central(), 'tenantry');
  provisioner = world.provisioner([CreateShop1700000001000]);
});

afterAll(async () => {
  const { items } = await store.list({ limit: 500, offset: 0 });
  for (const { schema } of items) world.role(schema);
  await world.close();
});

/** One instance of the application, with a cache of its own. */
function instance(...more: readonly ProvisioningStep[]) {
  const registry = new TenantRegistry(store);
  return { registry, manager: new TenantManager(store, registry, [provisioner, ...more]) };
}

let made = 0;
function input(fields: Partial<CreateTenantInput> = {}): CreateTenantInput {
  made++;
  return { slug: `shop-${made}`, name: `Shop ${made}`, tier: 'starter', ...fields };
}

function customersOf(tenant: TenantRecord): Promise<unknown> {
  return TenantContext.run(tenant, () => runtime.query('SELECT name FROM customer'));
}

/** What the database has of tenants beside the registry. */
async function schemas(): Promise<unknown[]> {
  return world.sessions.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant\\_%' ORDER BY 1`);
}

const crash: ProvisioningStep = {
  name: 'crash',
  apply: async () => {
    throw new Error('the machine is gone');
  },
};

describe('creating a tenant', () => {
  it('makes one that is active and can be used at once', async () => {
    const { manager, registry } = instance();
    const tenant = await manager.create(input({ domains: ['Shop.Example.COM'] }));
    expect(tenant).toMatchObject({ status: 'active', generation: 2, domains: ['shop.example.com'] });
    await expect(registry.lookup('slug', tenant.slug)).resolves.toMatchObject({
      id: tenant.id,
      status: 'active',
    });
    await expect(customersOf(tenant)).resolves.toEqual([{ name: 'first; of all' }]);
  });

  it('lets one of four racers for a slug win, and makes one schema', async () => {
    const wanted = input();
    const before = await schemas();
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => instance().manager.create(wanted)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(failures).toHaveLength(3);
    expect(failures.every((failure) => failure instanceof TenantTakenError && failure.what === 'slug')).toBe(
      true,
    );
    expect(await schemas()).toHaveLength(before.length + 1);
    await expect(store.findBySlug(wanted.slug)).resolves.toMatchObject({ status: 'active' });
  });

  it('leaves slug and domains free when a step fails', async () => {
    const wanted = input({ domains: ['free.example.com'] });
    const failing = world.provisioner([
      class Fails1700000003000 extends CreateShop1700000001000 {
        override readonly name = 'Fails1700000003000' as never;
        override async up(): Promise<void> {
          throw new Error('no space left');
        }
      },
    ]);
    const registry = new TenantRegistry(store);
    const before = await schemas();
    const creating = new TenantManager(store, registry, [failing]).create(wanted);
    await expect(creating).rejects.toThrow('no space left');
    expect(await schemas()).toEqual(before);
    await expect(registry.lookup('slug', wanted.slug)).resolves.toBeUndefined();
    await expect(instance().manager.create(wanted)).resolves.toMatchObject({ status: 'active' });
  });
});

/** What a process leaves that dies between the row and the schema, or between the schema and the end. */
async function interrupted(at: 'row' | 'schema'): Promise<TenantRecord> {
  const discard = jest.spyOn(store, 'discard').mockRejectedValueOnce(new Error('the machine is gone'));
  const steps = at === 'row' ? [crash, provisioner] : [provisioner, crash];
  const { slug, name, tier } = input();
  const dying = new TenantManager(store, new TenantRegistry(store), steps);
  await expect(dying.create({ slug, name, tier })).rejects.toThrow('the machine is gone');
  discard.mockRestore();
  return (await store.findBySlug(slug))!;
}

describe('a tenant whose making was interrupted', () => {
  it.each(['row', 'schema'] as const)(
    'after its %s can be finished, and is not active before',
    async (at) => {
      const tenant = await interrupted(at);
      expect(tenant.status).toBe('provisioning');
      const { manager } = instance();
      const recovered = await manager.recover();
      expect(recovered).toContainEqual(expect.objectContaining({ id: tenant.id, status: 'active' }));
      await expect(customersOf(tenant)).resolves.toEqual([{ name: 'first; of all' }]);
      await expect(manager.recover()).resolves.toEqual([]);
    },
  );

  it('is finished once when several instances do it', async () => {
    const tenant = await interrupted('row');
    const recovered = await Promise.all([1, 2, 3].map(() => instance().manager.recover()));
    expect(recovered.flat().every(({ id, status }) => id === tenant.id && status === 'active')).toBe(true);
    await expect(store.findById(tenant.id)).resolves.toMatchObject({ status: 'active', generation: 2 });
    await expect(customersOf(tenant)).resolves.toHaveLength(1);
  });

  it('does not get into the way of one that is being made', async () => {
    let recovering: Promise<readonly TenantRecord[]> | undefined;
    const meanwhile: ProvisioningStep = {
      name: 'recover-meanwhile',
      apply: async () => {
        recovering = instance().manager.recover();
        await recovering;
      },
    };
    const tenant = await instance(meanwhile).manager.create(input());
    expect(tenant.status).toBe('active');
    expect((await recovering)?.map(({ id }) => id)).toEqual([tenant.id]);
    await expect(customersOf(tenant)).resolves.toHaveLength(1);
  });
});

describe('suspending and resuming', () => {
  it('are each done once however often they are asked for', async () => {
    const { manager } = instance();
    const { id } = await manager.create(input());
    const suspended = await Promise.all([1, 2, 3].map(() => manager.suspend(id)));
    expect(suspended.map(({ status, generation }) => [status, generation])).toEqual([
      ['suspended', 3],
      ['suspended', 3],
      ['suspended', 3],
    ]);
    await expect(manager.resume(id)).resolves.toMatchObject({ status: 'active', generation: 4 });
    await expect(manager.resume(id)).resolves.toMatchObject({ status: 'active', generation: 4 });
  });

  it('are seen at once by the instance that does them', async () => {
    const { manager, registry } = instance();
    const { id } = await manager.create(input());
    await registry.find(id);
    await manager.suspend(id);
    await expect(registry.find(id)).resolves.toMatchObject({ status: 'suspended' });
  });

  it('are refused for a tenant that was never active', async () => {
    const { manager } = instance();
    const { id } = await manager.create(input());
    await world.sessions.query(`UPDATE tenantry.tenants SET status = 'archived' WHERE id = $1`, [id]);
    await expect(manager.suspend(id)).rejects.toThrow(TenantTransitionError);
    await expect(manager.resume(id)).rejects.toMatchObject({ from: 'archived', to: 'active' });
  });

  it.each(['suspend', 'resume', 'get'] as const)('%s tells of an id that no tenant has', async (what) => {
    const { manager } = instance();
    for (const id of ['00000000-0000-4000-8000-000000000000', 'no-id', "'"]) {
      await expect(manager[what](id)).rejects.toThrow(TenantNotFoundError);
    }
  });
});

describe('updating', () => {
  it('tells of an id that no tenant has, whatever is to be changed', async () => {
    const { manager } = instance();
    const id = '00000000-0000-4000-8000-000000000000';
    await expect(manager.update(id, { domains: ['nobody.example.com'] })).rejects.toThrow(
      TenantNotFoundError,
    );
    await expect(manager.update(id, { name: 'Nobody' })).rejects.toThrow(TenantNotFoundError);
  });

  it('leaves schema and data where they are when the slug changes', async () => {
    const { manager } = instance();
    const tenant = await manager.create(input());
    const renamed = await manager.update(tenant.id, { slug: `${tenant.slug}-renamed` });
    expect(renamed.schema).toBe(tenant.schema);
    await expect(customersOf(renamed)).resolves.toHaveLength(1);
  });
});
