import type { TenantRecord } from '@tenantry/core';
import type { TenantView } from './tenant.schemas.js';

/** What operators see of a tenant; where its data lives is nobody's business outside. */
export function toTenantView(record: TenantRecord): TenantView {
  const { id, slug, name, tier, status, domains, createdAt, updatedAt } = record;
  return { id, slug, name, tier, status, domains: [...domains], createdAt, updatedAt };
}
