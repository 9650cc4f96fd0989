import { snapshotTenant, type Tenant } from '../context/tenant.js';

/** `provisioning` and `failed` tenants were never usable; `archived` ones no longer are. */
export type TenantStatus = 'provisioning' | 'active' | 'suspended' | 'archived' | 'failed';

/** A tenant as the registry knows it. Only an `active` one is ever entered. */
export interface TenantRecord extends Tenant {
  readonly status: TenantStatus;
  /** Canonical host names that belong to this tenant alone. */
  readonly domains: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A frozen copy: what a cache hands to many must not be changed by one. */
export function snapshotRecord(source: TenantRecord): TenantRecord {
  return Object.freeze({
    ...snapshotTenant(source),
    status: source.status,
    domains: Object.freeze([...source.domains]),
    createdAt: source.createdAt,
    updatedAt: source.updatedAt,
  });
}
