import { randomUUID } from 'node:crypto';
import { schemaNameFor } from '../registry/schema-name.js';
import type { TenantRecord } from '../registry/tenant-record.js';
import type { TenantListQuery, TenantPage, TenantStore } from '../registry/tenant-store.js';

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

/** A `TenantStore` for tests without a database; passes the store contract. */
export class InMemoryTenantStore implements TenantStore {
  readonly #records = new Map<string, TenantRecord>();
  readonly #watchers = new Set<(tenantId: string | undefined) => void>();
  /** How often each kind of look-up was asked, to see caches work. */
  readonly lookups = { id: 0, slug: 0, domain: 0 };

  constructor(...records: readonly TenantRecord[]) {
    for (const record of records) this.#records.set(record.id, record);
  }

  /** Adds or replaces a tenant and tells the watchers. */
  put(record: TenantRecord): void {
    this.#records.set(record.id, record);
    for (const watcher of this.#watchers) watcher(record.id);
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

  async watch(onChange: (tenantId: string | undefined) => void): Promise<() => Promise<void>> {
    this.#watchers.add(onChange);
    return async () => {
      this.#watchers.delete(onChange);
    };
  }

  #find(matches: (record: TenantRecord) => boolean): TenantRecord | undefined {
    return [...this.#records.values()].find(matches);
  }
}
