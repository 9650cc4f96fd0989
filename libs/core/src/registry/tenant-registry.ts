import { TenantContext } from '../context/tenant-context.js';
import { BoundedCache } from './bounded-cache.js';
import { snapshotRecord, type TenantRecord } from './tenant-record.js';
import { resolveTenantRegistryOptions, type TenantRegistryOptions } from './tenant-registry.options.js';
import type { TenantListQuery, TenantPage, TenantStore } from './tenant-store.js';

export type TenantLookup = 'id' | 'slug' | 'domain';

/**
 * Cached look-ups over a {@link TenantStore}. Known and unknown tenants are remembered for a bounded time
 * in a bounded number; a failing store is not remembered at all. Records are shared between callers, and
 * frozen.
 */
export class TenantRegistry {
  readonly #cache: BoundedCache<TenantRecord | undefined>;
  readonly #options: Readonly<Required<TenantRegistryOptions>>;
  #watching: Promise<(() => Promise<void>) | undefined> | undefined;

  constructor(
    private readonly store: TenantStore,
    options?: TenantRegistryOptions,
  ) {
    this.#options = resolveTenantRegistryOptions(options);
    this.#cache = new BoundedCache(this.#options.maxCacheEntries);
  }

  find(id: string): Promise<TenantRecord | undefined> {
    return this.lookup('id', id);
  }

  /** @param value must match the grammar of its kind (see `parseTenantKey`, `canonicalHost`) */
  lookup(by: TenantLookup, value: string): Promise<TenantRecord | undefined> {
    return this.#cache.getOrLoad(
      `${by}:${value}`,
      async () => {
        const record = await TenantContext.runDetached(() => this.#fromStore(by, value));
        return record && snapshotRecord(record);
      },
      (record) => (record ? this.#options.cacheTtlMs : this.#options.negativeTtlMs),
    );
  }

  /** Straight from the store. */
  list(query: TenantListQuery): Promise<TenantPage> {
    return this.store.list(query);
  }

  /** Forgets what is known of a tenant, or of all; the next look-up asks the store. */
  invalidate(tenantId?: string): void {
    if (tenantId === undefined) return this.#cache.clear();
    // A tenant may have gained a slug or a domain that was looked up in vain before: unknowns go as well.
    for (const key of this.#cache.keys()) {
      const record = this.#cache.peek(key);
      if (!record || record.id === tenantId) this.#cache.delete(key);
    }
    this.#cache.abandonLoads();
  }

  /** Starts to follow the store's changes, if it can tell of them. Idempotent. */
  async watch(): Promise<void> {
    this.#watching ??= this.#watch();
    await this.#watching;
  }

  async stopWatching(): Promise<void> {
    const stop = await this.#watching;
    this.#watching = undefined;
    await stop?.();
  }

  async #watch(): Promise<(() => Promise<void>) | undefined> {
    const stop = await TenantContext.runDetached(() =>
      this.store.watch?.((tenantId) => this.invalidate(tenantId)),
    );
    // What was looked up before nobody would have told us of.
    this.invalidate();
    return stop;
  }

  #fromStore(by: TenantLookup, value: string): Promise<TenantRecord | undefined> {
    switch (by) {
      case 'id':
        return this.store.findById(value);
      case 'slug':
        return this.store.findBySlug(value);
      case 'domain':
        return this.store.findByDomain(value);
    }
  }
}
