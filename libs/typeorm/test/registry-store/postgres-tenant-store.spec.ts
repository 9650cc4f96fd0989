import { randomBytes, randomUUID } from 'node:crypto';
import { schemaNameFor, TenantContext, TenantRegistry, type NewTenantRecord } from '@tenantry/core';
import { describeTenantStore } from '@tenantry/core/testing';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import { migrateCentral } from '../../src/provisioning/central-migrations.js';
import { setUpDatabase } from '../../src/provisioning/database-setup.js';
import { PostgresTenantStore } from '../../src/registry-store/postgres-tenant-store.js';
import { Sessions } from '../pool/sessions.js';

/** Of the connection that listens. */
const LISTENER = 'tenantry-registry';

let database: TenantDatabase;
let sessions: Sessions;

beforeAll(async () => {
  database = await openTenantDatabase({ migrations: [] });
  sessions = await Sessions.open(database.adminUrl);
});

afterAll(async () => {
  await sessions.close();
  await database.close();
});

function openStore(listenOn?: string): PostgresTenantStore {
  return new PostgresTenantStore(
    database.dataSource.views.central(),
    'tenantry',
    listenOn ?? database.runtimeUrl,
  );
}

describeTenantStore('PostgresTenantStore', async () => ({ store: openStore() }));

function newTenant(fields: Partial<NewTenantRecord> = {}): NewTenantRecord {
  const id = randomUUID();
  return {
    id,
    slug: `t-${id.slice(0, 18)}`,
    name: 'A tenant',
    schema: schemaNameFor(id),
    tier: 'starter',
    placement: { cluster: 'default' },
    metadata: {},
    domains: [],
    ...fields,
  };
}

/** What a store tells, one after the other, for a test that waits for it. */
function told() {
  const ids: (string | undefined)[] = [];
  let wake: (() => void) | undefined;
  return {
    hear: (id: string | undefined): void => {
      ids.push(id);
      wake?.();
    },
    async next(): Promise<string | undefined> {
      while (ids.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return ids.shift();
    },
  };
}

describe('a registry in PostgreSQL', () => {
  it('is read and written in its own schema whatever tenant is in force', async () => {
    const store = openStore();
    const acme = await database.createTenant();
    const mine = newTenant({ domains: [`${randomUUID()}.test`] });
    await TenantContext.run(acme, async () => {
      await store.insert(mine);
      await store.update(mine.id, { name: 'From inside' });
      await store.transition(mine.id, ['provisioning'], 'active');
    });
    await expect(TenantContext.runCentral(() => store.findBySlug(mine.slug))).resolves.toMatchObject({
      name: 'From inside',
      status: 'active',
    });
    await expect(store.findByDomain(mine.domains[0]!)).resolves.toMatchObject({ id: mine.id });
    await expect(TenantContext.run(acme, () => store.list({ limit: 1, offset: 0 }))).resolves.toMatchObject({
      items: [{}],
    });
  });

  it('lets no other session see a change before its commit, nor hear of it', async () => {
    const store = openStore();
    const events = told();
    const stop = await store.watch(events.hear);
    await events.next();
    const tenant = newTenant();
    await sessions.query('BEGIN');
    await sessions.query('LOCK TABLE tenantry.tenants IN SHARE MODE');
    const inserting = store.insert(tenant);
    // The insert waits behind the lock; what is announced by others meanwhile is heard.
    await sessions.query(`SELECT pg_notify('tenantry_tenants', 'marker')`);
    expect(await store.findById(tenant.id)).toBeUndefined();
    await sessions.query('COMMIT');
    await inserting;
    expect([await events.next(), await events.next()]).toEqual(['marker', tenant.id]);
    await stop();
  });

  it('tells nobody when it was given no connection to listen on', async () => {
    const store = new PostgresTenantStore(database.dataSource.views.central(), 'tenantry');
    const stop = await store.watch(() => {});
    expect(await sessions.pidsOf(LISTENER)).toEqual([]);
    await stop();
  });
});

describe('an instance that watches', () => {
  it('reconnects when its connection is killed, and says that anything may have changed meanwhile', async () => {
    const store = openStore();
    const events = told();
    const stop = await store.watch(events.hear);
    expect(await events.next()).toBeUndefined();
    for (let times = 0; times < 2; times++) {
      await sessions.terminate(...(await sessions.pidsOf(LISTENER)));
      expect(await events.next()).toBeUndefined();
    }
    const { id } = await store.insert(newTenant());
    expect(await events.next()).toBe(id);
    await stop();
  });

  it("sees a suspension made by another instance, through its registry's cache", async () => {
    const [here, there] = [openStore(), openStore()];
    const { id } = await here.insert(newTenant());
    await here.transition(id, ['provisioning'], 'active');
    const events = told();
    const watched = Object.assign(Object.create(there) as PostgresTenantStore, {
      findById: (tenantId: string) => there.findById(tenantId),
      watch: (onChange: (tenantId: string | undefined) => void) =>
        there.watch((tenantId) => {
          onChange(tenantId);
          events.hear(tenantId);
        }),
    });
    const registry = new TenantRegistry(watched, { cacheTtlMs: 3_600_000 });
    await registry.watch();
    await events.next();
    await expect(registry.find(id)).resolves.toMatchObject({ status: 'active' });
    await here.transition(id, ['active'], 'suspended');
    expect(await events.next()).toBe(id);
    await expect(registry.find(id)).resolves.toMatchObject({ status: 'suspended' });
    await registry.stopWatching();
  });

  it('leaves no session when it stops', async () => {
    const stop = await openStore().watch(() => {});
    expect(await sessions.pidsOf(LISTENER)).toHaveLength(1);
    await stop();
    await expect(sessions.areGone(LISTENER)).resolves.toBe(true);
    await expect(stop()).resolves.toBeUndefined();
  });

  it('comes back no more when it stops while its connection is lost', async () => {
    const events = told();
    const stop = await openStore().watch(events.hear);
    await events.next();
    await sessions.terminate(...(await sessions.pidsOf(LISTENER)));
    await stop();
    await expect(sessions.areGone(LISTENER)).resolves.toBe(true);
  });

  it('fails at once and for good when it cannot connect the first time', async () => {
    const wrong = new URL(database.runtimeUrl);
    wrong.password = 'wrong';
    const timers = jest.spyOn(globalThis, 'setTimeout');
    await expect(openStore(wrong.href).watch(() => {})).rejects.toMatchObject({ code: '28P01' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
  });
});

describe('two registries in one database', () => {
  it('hold their own tenants and do not hear each other', async () => {
    const suffix = randomBytes(4).toString('hex');
    const isolation = { centralSchema: 'other', centralRole: `central_${suffix}` };
    const { username, password } = new URL(database.runtimeUrl);
    await setUpDatabase({ adminUrl: database.adminUrl, runtime: { login: username, password }, isolation });
    await migrateCentral({ adminUrl: database.adminUrl, isolation });
    const otherSource = await new TenantDataSource(
      { type: 'postgres', url: database.runtimeUrl },
      { isolation },
    ).initialize();
    const ours = openStore();
    const others = new PostgresTenantStore(otherSource.views.central(), 'other', database.runtimeUrl);
    const [ourEvents, otherEvents] = [told(), told()];
    const stops = [await ours.watch(ourEvents.hear), await others.watch(otherEvents.hear)];
    await Promise.all([ourEvents.next(), otherEvents.next()]);

    const slug = `same-${suffix}`;
    const theirs = await others.insert(newTenant({ slug }));
    const mine = await ours.insert(newTenant({ slug }));
    expect([await ourEvents.next(), await otherEvents.next()]).toEqual([mine.id, theirs.id]);
    expect(await ours.findById(theirs.id)).toBeUndefined();

    await Promise.all(stops.map((stop) => stop()));
    await otherSource.destroy();
    await sessions.query(`DROP SCHEMA other CASCADE`);
    await sessions.query(`DROP OWNED BY central_${suffix}`);
    await sessions.query(`DROP ROLE central_${suffix}`);
  });
});
