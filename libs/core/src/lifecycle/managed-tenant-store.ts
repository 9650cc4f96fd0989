import type { TenantRecord, TenantStatus } from '../registry/tenant-record.js';
import type { TenantStore } from '../registry/tenant-store.js';

export type NewTenantRecord = Pick<
  TenantRecord,
  'id' | 'slug' | 'name' | 'schema' | 'tier' | 'placement' | 'metadata' | 'domains'
>;

/** What of a tenant may be changed by an update; its id, schema and placement never are. */
export type TenantPatch = {
  readonly [Field in 'slug' | 'name' | 'tier' | 'metadata' | 'domains']?: TenantRecord[Field] | undefined;
};

/** A store that tenants can also be written to. Every write counts `generation` up and is told to watchers. */
export interface ManagedTenantStore extends TenantStore {
  /**
   * Adds a tenant with status `provisioning`.
   *
   * @throws {TenantTakenError} when the slug or a domain belongs to another tenant
   */
  insert(tenant: NewTenantRecord): Promise<TenantRecord>;
  /**
   * @returns undefined when there is no such tenant
   * @throws {TenantTakenError} when the slug or a domain belongs to another tenant
   */
  update(id: string, patch: TenantPatch): Promise<TenantRecord | undefined>;
  /**
   * Moves a tenant from one status to another, in one step for all instances.
   *
   * @returns undefined when it is not (or no longer) in one of the `from` statuses
   */
  transition(id: string, from: readonly TenantStatus[], to: TenantStatus): Promise<TenantRecord | undefined>;
  /** Takes a tenant out that never left `provisioning`. */
  discard(id: string): Promise<void>;
}
