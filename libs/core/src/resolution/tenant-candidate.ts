import type { TenantRecord } from '../registry/tenant-record.js';

/**
 * The tenant a request claims to be for. Nothing has verified it: it is no `Tenant`, carries no schema and
 * opens nothing. The guard turns it into one.
 */
export interface TenantCandidate {
  /** Name of the strategy that found it. */
  readonly strategy: string;
  /** Whether the caller may name any tenant this way without proof. */
  readonly forgeable: boolean;
  readonly by: 'id' | 'slug' | 'domain';
  /** Canonical text of that kind. */
  readonly value: string;
}

/** Whether a candidate names the tenant of `record`; needs no look-up of anything else. */
export function candidateNames(candidate: TenantCandidate, record: TenantRecord): boolean {
  switch (candidate.by) {
    case 'id':
      return candidate.value === record.id;
    case 'slug':
      return candidate.value === record.slug;
    case 'domain':
      return record.domains.includes(candidate.value);
  }
}
