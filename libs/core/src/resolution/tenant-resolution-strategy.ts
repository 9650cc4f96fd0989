import type { ResolutionRequest } from './resolution-request.js';
import type { TenantCandidate } from './tenant-candidate.js';

/**
 * One place where a request may name its tenant. Own strategies implement this; the shipped ones are the
 * functions in `strategies/`.
 */
export interface TenantResolutionStrategy {
  /** Unique in the application; appears in logs and candidates. */
  readonly name: string;
  /**
   * Whether a caller can name any tenant this way without proof. Forgeable strategies need a verified
   * claim beside them, or an application that spells out that it trusts its network.
   */
  readonly forgeable: boolean;
  /**
   * @returns nothing when the request names no tenant in this place
   * @throws {TenantKeyMalformedError} when it names one in a form that no tenant can have
   */
  resolve(request: ResolutionRequest): Pick<TenantCandidate, 'by' | 'value'> | undefined;
}
