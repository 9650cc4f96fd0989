import type { TenantRecord } from '../registry/tenant-record.js';
import type { TenantRegistry } from '../registry/tenant-registry.js';
import { JWT_CLAIM_STRATEGY } from '../resolution/strategies/jwt-claim.js';
import { candidateNames, type TenantCandidate } from '../resolution/tenant-candidate.js';
import { TenantClaimMissingError, TenantForbiddenError, TenantMismatchError } from './access.errors.js';
import type { Principal } from './principal.js';
import type { TenantMembership } from './tenant-membership.js';

/** A tenant that the caller has proved to be allowed to use, and what it may do there. */
export interface AdmittedTenant {
  readonly record: TenantRecord;
  readonly roles: readonly string[];
}

/**
 * Turns candidates into one verified tenant, or refuses. The rules, in this order:
 * 1. the tenant of a verified claim is looked up first, and every other candidate is compared with it, so
 *    that a tenant the caller has no proof for is never looked up;
 * 2. candidates that disagree are a refusal, whatever their order;
 * 3. only an active tenant is entered;
 * 4. without a claim, the membership decides.
 */
export class TenantGate {
  constructor(
    private readonly registry: TenantRegistry,
    private readonly membership: TenantMembership | undefined,
    private readonly trustsNetwork: boolean,
  ) {}

  /**
   * @returns undefined when the request names no tenant at all
   * @throws {TenantClaimMissingError} when nothing proves the tenant that the request names
   * @throws {TenantMismatchError} when the request names more than one
   * @throws {TenantForbiddenError} when the tenant is unknown, not active, or not the caller's
   */
  async admit(
    candidates: readonly TenantCandidate[],
    principal: Principal | undefined,
  ): Promise<AdmittedTenant | undefined> {
    const claim = candidates.find(({ strategy }) => strategy === JWT_CLAIM_STRATEGY);
    const first = claim ?? candidates[0];
    if (!first) return undefined;
    if (!claim && !this.trustsNetwork && !(this.membership && principal)) throw new TenantClaimMissingError();
    refuseContradictions(candidates);
    const record = await this.registry.lookup(first.by, first.value);
    if (record && !candidates.every((candidate) => candidateNames(candidate, record))) {
      throw new TenantMismatchError(candidates);
    }
    const who = { tenant: record?.id ?? first.value, user: principal?.userId };
    if (!record) throw new TenantForbiddenError('unknown', who);
    if (record.status !== 'active') throw new TenantForbiddenError(record.status, who);
    const roles = await this.#roles(record, principal);
    if (!roles) throw new TenantForbiddenError('not-a-member', who);
    return { record, roles };
  }

  async #roles(
    record: TenantRecord,
    principal: Principal | undefined,
  ): Promise<readonly string[] | undefined> {
    if (!principal) return [];
    return this.membership ? this.membership.rolesOf(principal, record) : principal.roles;
  }
}

/** Two candidates of one kind with different values cannot name one tenant; no look-up is needed to know. */
function refuseContradictions(candidates: readonly TenantCandidate[]): void {
  for (const [i, one] of candidates.entries()) {
    const other = candidates.slice(i + 1).find(({ by, value }) => by === one.by && value !== one.value);
    // A tenant may own several domains, but a request has only one host.
    if (other) throw new TenantMismatchError([one, other]);
  }
}
