import { UnauthenticatedError } from '../../access/access.errors.js';
import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

/** The name under which the verified claim appears among a request's candidates. */
export const JWT_CLAIM_STRATEGY = 'jwt-claim';

/** A claim of a verified token: the only source that is a proof by itself. A claim of a wrong form is a bad token. */
export function jwtClaimStrategy({ claim = 'tenant_id' } = {}): TenantResolutionStrategy {
  return {
    name: JWT_CLAIM_STRATEGY,
    forgeable: false,
    resolve({ claims }) {
      if (claims === undefined || !Object.hasOwn(claims, claim)) return undefined;
      try {
        return parseTenantKey(claims[claim], JWT_CLAIM_STRATEGY);
      } catch (error) {
        if (error instanceof TenantKeyMalformedError)
          throw new UnauthenticatedError('tenant-claim-malformed', error);
        throw error;
      }
    },
  };
}
