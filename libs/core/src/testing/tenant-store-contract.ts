import {
  deepStrictEqual as expectEqual,
  ok as expectTrue,
  rejects as expectRejection,
} from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ManagedTenantStore, NewTenantRecord } from '../lifecycle/managed-tenant-store.js';
import { schemaNameFor } from '../registry/schema-name.js';
import type { TenantRecord } from '../registry/tenant-record.js';

/** A store to check, and how to close what it needs. */
export interface OpenedTenantStore {
  readonly store: ManagedTenantStore;
  close?(): Promise<void>;
}

/** What is used of the test runner's globals; Jest and Vitest have them. */
interface TestRunner {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>) => void;
  readonly beforeAll: (hook: () => Promise<void>) => void;
  readonly afterAll: (hook: () => Promise<void>) => void;
}

/**
 * The cases that every {@link ManagedTenantStore} passes, as a suite of the test runner that calls it. They share one
 * store, which may hold other tenants, and leave theirs behind.
 *
 * @param open called once, before the first case
 * @example
 * describeTenantStore('MyTenantStore', async () => ({ store: new MyTenantStore(await connect()) }));
 */
export function describeTenantStore(name: string, open: () => Promise<OpenedTenantStore>): void {
  const { describe, it, beforeAll, afterAll } = globalThis as unknown as TestRunner;

  describe(`${name}, as a tenant store`, () => {
    let opened: OpenedTenantStore;
    let store: ManagedTenantStore;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(async () => {
      await opened?.close?.();
    });

    describe('that is asked for a tenant', () => {
      it('finds it by its id, its slug and each of its domains', async () => {
        const domains = [domain(), domain()];
        const tenant = await store.insert(newTenant({ domains }));
        const found = [
          await store.findById(tenant.id),
          await store.findBySlug(tenant.slug),
          ...(await Promise.all(domains.map((each) => store.findByDomain(each)))),
        ];
        expectEqual(
          found.map(plain),
          Array.from(found, () => plain(tenant)),
        );
      });

      it('answers undefined for one that there is not', async () => {
        const tenant = await store.insert(newTenant({ domains: [domain()] }));
        expectEqual(await store.findById(randomUUID()), undefined);
        expectEqual(await store.findBySlug(slug()), undefined);
        expectEqual(await store.findBySlug(tenant.domains[0]!), undefined);
        expectEqual(await store.findByDomain(domain()), undefined);
        expectEqual(await store.findByDomain(tenant.slug), undefined);
      });
    });

    describe('that is given a new tenant', () => {
      it('keeps all that it is told, and starts with provisioning and the first generation', async () => {
        const given = newTenant({
          domains: [domain()],
          metadata: { theme: { colours: ['red', null] }, 'a"b': "c'd" },
        });
        const tenant = await store.insert(given);
        const { createdAt, updatedAt, ...rest } = plain(tenant);
        expectEqual(rest, { ...given, status: 'provisioning', generation: 1 });
        expectTrue(createdAt instanceof Date && updatedAt instanceof Date);
      });

      it('takes a domain that is named twice once', async () => {
        const twice = domain();
        const tenant = await store.insert(newTenant({ domains: [twice, twice] }));
        expectEqual([...tenant.domains], [twice]);
      });

      it('refuses a taken slug by its name, and keeps nothing of the newcomer', async () => {
        const first = await store.insert(newTenant());
        const late = newTenant({ slug: first.slug, domains: [domain()] });
        await expectTaken(store.insert(late), 'slug');
        await expectNothingOf(store, late);
        expectEqual(plain(await store.findBySlug(first.slug)), plain(first));
      });

      it('refuses a taken domain by its name, and keeps nothing of the newcomer', async () => {
        const first = await store.insert(newTenant({ domains: [domain()] }));
        const late = newTenant({ domains: [domain(), first.domains[0]!] });
        await expectTaken(store.insert(late), 'domain');
        await expectNothingOf(store, { ...late, domains: [late.domains[0]!] });
        expectEqual(await store.findBySlug(late.slug), undefined);
        expectEqual(plain(await store.findByDomain(first.domains[0]!)), plain(first));
      });

      it('lets one of several racers for a slug win', async () => {
        const wanted = slug();
        const racers = Array.from({ length: 4 }, () => newTenant({ slug: wanted, domains: [domain()] }));
        const results = await Promise.allSettled(racers.map((racer) => store.insert(racer)));
        const winner = results.findIndex(({ status }) => status === 'fulfilled');
        for (const [i, result] of results.entries()) {
          if (i === winner) continue;
          await expectTaken(
            result.status === 'rejected' ? Promise.reject(result.reason) : Promise.resolve(),
            'slug',
          );
          await expectNothingOf(store, racers[i]!);
        }
        expectEqual((await store.findBySlug(wanted))?.id, racers[winner]?.id);
      });
    });

    describe('that lists', () => {
      it('gives pages, oldest first, that hold every tenant once, and counts all of them', async () => {
        const tier = randomUUID();
        const ids = new Set<string>();
        for (let i = 0; i < 5; i++) ids.add((await store.insert(newTenant({ tier }))).id);
        const pages = await Promise.all([0, 2, 4, 6].map((offset) => store.list({ limit: 2, offset, tier })));
        expectEqual(
          pages.map(({ items }) => items.length),
          [2, 2, 1, 0],
        );
        expectEqual(new Set(pages.map(({ total }) => total)), new Set([5]));
        const all = pages.flatMap(({ items }) => items);
        expectEqual(new Set(all.map(({ id }) => id)), ids);
        const ages = all.map(({ createdAt }) => createdAt.getTime());
        expectEqual(
          ages,
          ages.toSorted((a, b) => a - b),
        );
      });

      it('gives those of a status, of a tier, or both', async () => {
        const tier = randomUUID();
        const [active, waiting] = [
          await store.insert(newTenant({ tier })),
          await store.insert(newTenant({ tier })),
        ];
        await store.transition(active.id, ['provisioning'], 'active');
        const ids = async (query: { status?: 'active' | 'provisioning' | 'archived'; tier?: string }) =>
          (await store.list({ limit: 500, offset: 0, ...query })).items.map(({ id }) => id);
        expectEqual(new Set(await ids({ tier })), new Set([active.id, waiting.id]));
        expectEqual(await ids({ tier, status: 'active' }), [active.id]);
        expectEqual(await ids({ tier, status: 'provisioning' }), [waiting.id]);
        expectEqual(await ids({ tier, status: 'archived' }), []);
        expectTrue((await ids({ status: 'active' })).includes(active.id));
      });
    });

    describe('that is told of a change', () => {
      it('changes what the patch names and nothing else, and counts the generation up', async () => {
        const before = await store.insert(newTenant({ domains: [domain()], metadata: { a: 1, b: 2 } }));
        const patch = { slug: slug(), name: 'Renamed', tier: 'growth', metadata: { b: 3 } };
        const renamed = await store.update(before.id, { slug: patch.slug });
        expectEqual(plain(renamed), {
          ...plain(before),
          slug: patch.slug,
          generation: 2,
          updatedAt: renamed?.updatedAt,
        });
        const after = await store.update(before.id, patch);
        expectEqual(plain(after), { ...plain(before), ...patch, generation: 3, updatedAt: after?.updatedAt });
        expectTrue(after!.updatedAt >= before.updatedAt);
        expectEqual(plain(await store.findById(before.id)), plain(after));
        expectEqual(await store.findBySlug(before.slug), undefined);
      });

      it('replaces the domains as a whole, and sets those free that are gone', async () => {
        const [kept, gone, added] = [domain(), domain(), domain()];
        const tenant = await store.insert(newTenant({ domains: [kept, gone] }));
        const after = await store.update(tenant.id, { domains: [added, kept] });
        expectEqual(new Set(after?.domains), new Set([kept, added]));
        expectEqual(await store.findByDomain(gone), undefined);
        const other = await store.insert(newTenant({ domains: [gone] }));
        expectEqual((await store.findByDomain(gone))?.id, other.id);
        expectEqual([...(await store.update(tenant.id, { domains: [] }))!.domains], []);
        expectEqual(await store.findByDomain(kept), undefined);
      });

      it('refuses a slug or a domain of another tenant by its name, and changes nothing then', async () => {
        const other = await store.insert(newTenant({ domains: [domain()] }));
        const tenant = await store.insert(newTenant({ domains: [domain()] }));
        await expectTaken(store.update(tenant.id, { name: 'Half', slug: other.slug }), 'slug');
        await expectTaken(
          store.update(tenant.id, { name: 'Half', domains: [domain(), ...other.domains] }),
          'domain',
        );
        expectEqual(plain(await store.findById(tenant.id)), plain(tenant));
        expectEqual(plain(await store.findById(other.id)), plain(other));
      });

      it('takes what the tenant has already', async () => {
        const { id, slug: own, domains } = await store.insert(newTenant({ domains: [domain()] }));
        const after = await store.update(id, { slug: own, domains });
        expectEqual([after?.slug, [...after!.domains]], [own, [...domains]]);
      });

      it('answers undefined when there is no such tenant, whatever is to be changed', async () => {
        const unclaimed = domain();
        expectEqual(await store.update(randomUUID(), { name: 'Nobody' }), undefined);
        expectEqual(await store.update(randomUUID(), { domains: [unclaimed] }), undefined);
        expectEqual(await store.findByDomain(unclaimed), undefined);
      });
    });

    describe('that moves a tenant to another status', () => {
      it('does so from the named statuses only', async () => {
        const tenant = await store.insert(newTenant());
        expectEqual(await store.transition(tenant.id, ['active', 'suspended'], 'archived'), undefined);
        expectEqual(plain(await store.findById(tenant.id)), plain(tenant));
        const active = await store.transition(tenant.id, ['failed', 'provisioning'], 'active');
        expectEqual([active?.status, active?.generation], ['active', 2]);
        expectEqual(plain(await store.findById(tenant.id)), plain(active));
      });

      it('lets one of two racers win', async () => {
        const tenant = await store.insert(newTenant());
        await store.transition(tenant.id, ['provisioning'], 'active');
        const moved = await Promise.all(
          [1, 2].map(() => store.transition(tenant.id, ['active'], 'suspended')),
        );
        expectEqual(moved.filter(Boolean).length, 1);
        expectEqual((await store.findById(tenant.id))?.generation, 3);
      });

      it('answers undefined when there is no such tenant', async () => {
        expectEqual(await store.transition(randomUUID(), ['active'], 'suspended'), undefined);
      });
    });

    describe('that discards a tenant', () => {
      it('takes out one that never left provisioning, and sets its names free', async () => {
        const tenant = await store.insert(newTenant({ domains: [domain()] }));
        await store.discard(tenant.id);
        expectEqual(await store.findById(tenant.id), undefined);
        await store.insert(newTenant({ slug: tenant.slug, domains: tenant.domains }));
      });

      it('leaves every other one as it is', async () => {
        const { id } = await store.insert(newTenant());
        const active = await store.transition(id, ['provisioning'], 'active');
        await store.discard(id);
        await store.discard(randomUUID());
        expectEqual(plain(await store.findById(id)), plain(active));
      });
    });

    describe('that is watched', () => {
      it('tells of every change once, in order, when it can be read already', async () => {
        const watcher = await watch(store);
        const tenant = await store.insert(newTenant());
        await store.update(tenant.id, { name: 'Renamed' });
        await store.transition(tenant.id, ['provisioning'], 'active');
        const short = await store.insert(newTenant());
        await store.discard(short.id);
        await watcher.heard(short.id, 2);
        expectEqual(watcher.ids(), [tenant.id, tenant.id, tenant.id, short.id, short.id]);
        const generations = (await watcher.reads()).map((record) => record?.generation);
        expectTrue([1, 2, 3].every((generation, i) => generations[i]! >= generation));
        await watcher.stop();
      });

      it('tells nothing of what did not happen', async () => {
        const taken = await store.insert(newTenant({ domains: [domain()] }));
        const watcher = await watch(store);
        await store.insert(newTenant({ slug: taken.slug })).catch(() => {});
        await store.update(randomUUID(), { name: 'Nobody' });
        await store.transition(taken.id, ['suspended'], 'active');
        await store.discard(randomUUID());
        const marker = await store.insert(newTenant());
        await watcher.heard(marker.id, 1);
        expectEqual(watcher.ids(), [marker.id]);
        await watcher.stop();
      });

      it('tells all who watch, and nobody who has stopped', async () => {
        const [gone, stays] = [await watch(store), await watch(store)];
        await gone.stop();
        const tenant = await store.insert(newTenant());
        await stays.heard(tenant.id, 1);
        expectEqual(gone.ids(), []);
        await stays.stop();
      });
    });
  });
}

/** Collects what a store tells; waits for an event, never for time. */
async function watch(store: ManagedTenantStore) {
  const ids: string[] = [];
  const reads: Promise<TenantRecord | undefined>[] = [];
  let wake: (() => void) | undefined;
  const stop = await store.watch!((id) => {
    if (id === undefined) return;
    ids.push(id);
    reads.push(store.findById(id));
    wake?.();
  });
  return {
    ids: () => ids,
    /** What could be read when each change was told. */
    reads: () => Promise.all(reads),
    stop,
    heard: async (id: string, times: number): Promise<void> => {
      while (ids.filter((each) => each === id).length < times) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

async function expectNothingOf(store: ManagedTenantStore, tenant: NewTenantRecord): Promise<void> {
  expectEqual(await store.findById(tenant.id), undefined);
  for (const each of tenant.domains) expectEqual(await store.findByDomain(each), undefined);
}

async function expectTaken(writing: Promise<unknown>, what: 'slug' | 'domain'): Promise<void> {
  const code = what === 'slug' ? 'TENANT_SLUG_TAKEN' : 'TENANT_DOMAIN_TAKEN';
  await expectRejection(writing, { name: 'TenantTakenError', what, code });
}

function newTenant(fields: Partial<NewTenantRecord> = {}): NewTenantRecord {
  const id = randomUUID();
  return {
    id,
    slug: slug(),
    name: 'A tenant',
    schema: schemaNameFor(id),
    tier: 'starter',
    placement: { cluster: 'default' },
    metadata: {},
    domains: [],
    ...fields,
  };
}

const slug = (): string => `t-${randomUUID().slice(0, 18)}`;
const domain = (): string => `${slug()}.test`;

/** Without prototypes and freezing, to compare. */
function plain(record: TenantRecord | undefined): Record<string, unknown> {
  return { ...record, placement: { ...record?.placement }, domains: [...(record?.domains ?? [])].toSorted() };
}
