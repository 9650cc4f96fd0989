import { randomUUID } from 'node:crypto';
import { TenantTakenError } from '../lifecycle/lifecycle.errors.js';
import type { ManagedTenantStore, NewTenantRecord, TenantPatch } from '../lifecycle/managed-tenant-store.js';
import { schemaNameFor } from '../registry/schema-name.js';
import type { TenantRecord, TenantStatus } from '../registry/tenant-record.js';
import type { TenantListQuery, TenantPage } from '../registry/tenant-store.js';

/** A whole tenant record from the few fields a test cares about. */
export function tenantRecord(fields: Partial<TenantRecord> = {}): TenantRecord {
  const id = fields.id ?? randomUUID();
  return {
    id,
    slug: `t-${id.slice(0, 8)}`,
    name: 'A tenant',
    schema: schemaNameFor(id),
    tier: 'starter',
    placement: { cluster: 'default' },
    generation: 1,
    metadata: {},
    status: 'active',
    domains: [],
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...fields,
  };
}

/** A tenant store for tests without a database; passes the store contract. */
export class InMemoryTenantStore implements ManagedTenantStore {
  readonly #records = new Map<string, TenantRecord>();
  readonly #watchers = new Set<(tenantId: string | undefined) => void>();
  /** How often each kind of look-up was asked, to see caches work. */
  readonly lookups = { id: 0, slug: 0, domain: 0 };

  constructor(...records: readonly TenantRecord[]) {
    for (const record of records) this.#records.set(record.id, record);
  }

  /** Adds or replaces a tenant and tells the watchers. */
  put(record: TenantRecord): void {
    this.#keep(record);
  }

  async findById(id: string): Promise<TenantRecord | undefined> {
    this.lookups.id++;
    return this.#records.get(id);
  }

  async findBySlug(slug: string): Promise<TenantRecord | undefined> {
    this.lookups.slug++;
    return this.#find((record) => record.slug === slug);
  }

  async findByDomain(domain: string): Promise<TenantRecord | undefined> {
    this.lookups.domain++;
    return this.#find((record) => record.domains.includes(domain));
  }

  async list({ limit, offset, status, tier }: TenantListQuery): Promise<TenantPage> {
    const items = [...this.#records.values()]
      .filter(
        (record) => (status ?? record.status) === record.status && (tier ?? record.tier) === record.tier,
      )
      .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
    return { items: items.slice(offset, offset + limit), total: items.length };
  }

  async insert(tenant: NewTenantRecord): Promise<TenantRecord> {
    this.#refuseTaken(tenant.id, tenant);
    const now = new Date();
    const domains = [...new Set(tenant.domains)];
    return this.#keep({
      ...tenant,
      domains,
      status: 'provisioning',
      generation: 1,
      createdAt: now,
      updatedAt: now,
    });
  }

  async update(id: string, patch: TenantPatch): Promise<TenantRecord | undefined> {
    const record = this.#records.get(id);
    if (!record) return undefined;
    this.#refuseTaken(id, patch);
    return this.#change(record, {
      slug: patch.slug ?? record.slug,
      name: patch.name ?? record.name,
      tier: patch.tier ?? record.tier,
      metadata: patch.metadata ?? record.metadata,
      domains: [...new Set(patch.domains ?? record.domains)],
    });
  }

  async transition(
    id: string,
    from: readonly TenantStatus[],
    to: TenantStatus,
  ): Promise<TenantRecord | undefined> {
    const record = this.#records.get(id);
    return record && from.includes(record.status) ? this.#change(record, { status: to }) : undefined;
  }

  async discard(id: string): Promise<void> {
    if (this.#records.get(id)?.status !== 'provisioning') return;
    this.#records.delete(id);
    this.#tell(id);
  }

  async watch(onChange: (tenantId: string | undefined) => void): Promise<() => Promise<void>> {
    this.#watchers.add(onChange);
    return async () => {
      this.#watchers.delete(onChange);
    };
  }

  #refuseTaken(id: string, { slug, domains = [] }: Pick<TenantPatch, 'slug' | 'domains'>): void {
    const others = [...this.#records.values()].filter((record) => record.id !== id);
    if (others.some((record) => record.slug === slug)) throw new TenantTakenError('slug');
    if (others.some((record) => record.domains.some((domain) => domains.includes(domain))))
      throw new TenantTakenError('domain');
  }

  #change(record: TenantRecord, fields: Partial<TenantRecord>): TenantRecord {
    return this.#keep({ ...record, ...fields, generation: record.generation + 1, updatedAt: new Date() });
  }

  #keep(record: TenantRecord): TenantRecord {
    this.#records.set(record.id, record);
    this.#tell(record.id);
    return record;
  }

  #tell(id: string): void {
    for (const watcher of this.#watchers) watcher(id);
  }

  #find(matches: (record: TenantRecord) => boolean): TenantRecord | undefined {
    return [...this.#records.values()].find(matches);
  }
}
