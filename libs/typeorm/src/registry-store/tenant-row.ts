import type { TenantRecord, TenantStatus } from '@tenantry/core';

export interface TenantRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly schema_name: string;
  readonly status: TenantStatus;
  readonly tier: string;
  readonly cluster: string;
  readonly metadata: Record<string, unknown>;
  readonly generation: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly domains: readonly string[];
}

/** Columns of {@link TenantRow}, for a statement where the tenant is `t`. */
export const TENANT_COLUMNS = `t.id, t.slug, t.name, t.schema_name, t.status, t.tier, t.cluster, t.metadata,
  t.generation, t.created_at, t.updated_at,
  ARRAY(SELECT d.domain FROM tenant_domains d WHERE d.tenant_id = t.id ORDER BY d.domain) AS domains`;

export function toTenantRecord(row: TenantRow): TenantRecord {
  return Object.freeze({
    id: row.id,
    slug: row.slug,
    name: row.name,
    schema: row.schema_name,
    status: row.status,
    tier: row.tier,
    placement: Object.freeze({ cluster: row.cluster }),
    metadata: row.metadata,
    generation: row.generation,
    domains: Object.freeze(row.domains),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}
