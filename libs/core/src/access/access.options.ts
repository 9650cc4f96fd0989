import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { JWT_CLAIM_STRATEGY } from '../resolution/strategies/jwt-claim.js';
import type { TenantResolutionStrategy } from '../resolution/tenant-resolution-strategy.js';
import {
  resolveJwtAccessOptions,
  type JwtAccessOptions,
  type ResolvedJwtAccessOptions,
} from './jwt-access.options.js';
import type { TenantMembership } from './tenant-membership.js';

/**
 * What proves that a caller may use the tenant it names.
 * - `jwt`: a verified token; its tenant claim, or a `membership` check of its user
 * - `trusted-network`: nothing. Whoever reaches the application may name any tenant and call any route
 *   but `@Central()` ones: only behind a gateway that authenticates and sets the tenant itself
 */
export type AccessOptions =
  | { readonly kind: 'jwt'; readonly jwt: JwtAccessOptions; readonly membership?: TenantMembership }
  | { readonly kind: 'trusted-network' };

export type ResolvedAccessOptions =
  | {
      readonly kind: 'jwt';
      readonly jwt: ResolvedJwtAccessOptions;
      readonly membership: TenantMembership | undefined;
    }
  | { readonly kind: 'trusted-network' };

/** @throws {TenancyConfigurationError} when nothing could ever prove a tenant, or what is there is weak */
export function resolveAccessOptions(
  input: AccessOptions,
  strategies: readonly TenantResolutionStrategy[],
): ResolvedAccessOptions {
  if (input.kind === 'trusted-network') return Object.freeze({ kind: 'trusted-network' });
  const proof = input.membership !== undefined || strategies.some(({ name }) => name === JWT_CLAIM_STRATEGY);
  if (!proof) {
    const names = strategies.map(({ name }) => name).join(', ');
    throw new TenancyConfigurationError(
      `Nothing proves that a caller may use the tenant it names by ${names}. Add jwtClaimStrategy() to ` +
        "resolution.strategies, or access.membership, or say access: { kind: 'trusted-network' }.",
    );
  }
  return Object.freeze({
    kind: 'jwt',
    jwt: resolveJwtAccessOptions(input.jwt),
    membership: input.membership,
  });
}
