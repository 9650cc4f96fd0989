/** Where a tenant's data lives. */
export interface TenantPlacement {
  /** Name of the PostgreSQL server (one pool each); `default` unless the application has several. */
  readonly cluster: string;
}

/**
 * The tenant in force: a frozen snapshot, taken once when the request, job or script entered the tenant.
 * Later changes of the registry do not reach it.
 */
export interface Tenant {
  /** UUID; never changes and is never used again. */
  readonly id: string;
  /** Public name in URLs and headers; may change. */
  readonly slug: string;
  readonly name: string;
  /** PostgreSQL schema that holds the tenant's tables. */
  readonly schema: string;
  /** Name of the plan, such as `starter`; decides limits. */
  readonly tier: string;
  readonly placement: TenantPlacement;
  /** Counts the changes of the registry row this snapshot was taken from. */
  readonly generation: number;
  /** The application's own facts about the tenant. Frozen deeply. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A frozen copy of exactly the fields of {@link Tenant}, so that nothing shared can be changed under a request. */
export function snapshotTenant(source: Tenant): Tenant {
  return Object.freeze({
    id: source.id,
    slug: source.slug,
    name: source.name,
    schema: source.schema,
    tier: source.tier,
    placement: Object.freeze({ cluster: source.placement.cluster }),
    generation: source.generation,
    metadata: deepFreeze(structuredClone(source.metadata)),
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
