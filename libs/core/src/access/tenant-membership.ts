import type { TenantRecord } from '../registry/tenant-record.js';
import type { Principal } from './principal.js';

/**
 * Says whether a user belongs to a tenant, for applications whose tokens name no tenant or a user's tenants
 * may change while a token lives. Asked on every request for a tenant; cache inside if that costs. No tenant is
 * in force yet when it is asked: an implementation on central tables enters `TenantContext.runCentral` itself.
 */
export interface TenantMembership {
  /** @returns the user's roles in the tenant, possibly none; `undefined` when the user is no member */
  rolesOf(principal: Principal, tenant: TenantRecord): Promise<readonly string[] | undefined>;
}
