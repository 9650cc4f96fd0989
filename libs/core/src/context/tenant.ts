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

/**
 * Snapshots by what they were taken from: a record that cannot change is copied once, and not for every request
 * that enters its tenant.
 */
const snapshots = new WeakMap<Tenant, Tenant>();

/** A frozen copy of exactly the fields of {@link Tenant}, so that nothing shared can be changed under a request. */
export function snapshotTenant(source: Tenant): Tenant {
  const known = snapshots.get(source);
  if (known) return known;
  const snapshot: Tenant = Object.freeze({
    id: source.id,
    slug: source.slug,
    name: source.name,
    schema: source.schema,
    tier: source.tier,
    placement: Object.freeze({ cluster: source.placement.cluster }),
    generation: source.generation,
    metadata: deepFreeze(structuredClone(source.metadata)),
  });
  snapshots.set(snapshot, snapshot);
  if (Object.isFrozen(source)) snapshots.set(source, snapshot);
  return snapshot;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value); // before its parts, which may lead back to it
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
