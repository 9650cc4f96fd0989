import type { TenantRecord, TenantStatus } from './tenant-record.js';

export interface TenantListQuery {
  /** 1 to 500. */
  readonly limit: number;
  readonly offset: number;
  readonly status?: TenantStatus;
  readonly tier?: string;
}

export interface TenantPage {
  readonly items: readonly TenantRecord[];
  /** Of all tenants that match, not of this page. */
  readonly total: number;
}

/**
 * Where tenants are looked up: PostgreSQL, a remote service, a fake. Arguments have been checked against
 * the grammar of ids, slugs and hosts. A tenant that does not exist is `undefined`; a store that cannot
 * answer throws, and its error is never taken for "unknown".
 */
export interface TenantStore {
  findById(id: string): Promise<TenantRecord | undefined>;
  findBySlug(slug: string): Promise<TenantRecord | undefined>;
  findByDomain(domain: string): Promise<TenantRecord | undefined>;
  /** Oldest first; ties by id. */
  list(query: TenantListQuery): Promise<TenantPage>;
  /**
   * Tells when a tenant changed, on this or any other instance; `undefined` means "any of them may have",
   * such as after a lost connection. Stores that cannot know leave it out: then the cache's TTL is the bound.
   *
   * @returns ends the subscription
   */
  watch?(onChange: (tenantId: string | undefined) => void): Promise<() => Promise<void>>;
}

/** Token of the application's {@link TenantStore}. */
export const TENANT_STORE: unique symbol = Symbol.for('tenantry.tenant-store') as never;
