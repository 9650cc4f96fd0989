import {
  toResolutionRequest,
  urlToResolutionRequest,
  withClaims,
  type HttpRequestLike,
  type ResolutionRequest,
  type VerifiedClaims,
} from './resolution-request.js';
import type { TenantCandidate } from './tenant-candidate.js';
import type { TenantResolutionStrategy } from './tenant-resolution-strategy.js';
import { trustedProxyTest } from './trusted-proxies.js';

/**
 * Asks every strategy, in order, which tenant a request names. It decides nothing: all answers are
 * returned, and the caller must refuse those that disagree (`TenantGuard` does).
 */
export class TenantResolver {
  readonly #isTrustedProxy: (address: string) => boolean;

  constructor(
    private readonly strategies: readonly TenantResolutionStrategy[],
    trustedProxies: readonly string[] = [],
  ) {
    this.#isTrustedProxy = trustedProxyTest(trustedProxies);
  }

  /**
   * @param claims of a token that has been verified
   * @throws {TenantKeyMalformedError} when a place names a tenant in a form no tenant can have
   * @throws {UnauthenticatedError} when the verified token's tenant claim has such a form
   */
  resolveFromRequest(request: HttpRequestLike, claims?: VerifiedClaims): readonly TenantCandidate[] {
    const read = this.read(request);
    return this.candidates(claims ? withClaims(read, claims) : read);
  }

  /**
   * For links, e-mails and tests: host, path and query of a URL.
   *
   * @throws {TenantKeyMalformedError} as above, and for text that is no absolute URL
   */
  resolveFromUrl(url: URL | string): readonly TenantCandidate[] {
    return this.candidates(urlToResolutionRequest(url));
  }

  /**
   * A request of any HTTP adapter in the one form that strategies read.
   *
   * @throws {TenantKeyMalformedError} when its target can be read in more than one way
   */
  read(request: HttpRequestLike): ResolutionRequest {
    return toResolutionRequest(request, this.#isTrustedProxy);
  }

  candidates(request: ResolutionRequest): readonly TenantCandidate[] {
    return this.strategies.flatMap((strategy) => {
      const found = strategy.resolve(request);
      return found ? [{ ...found, strategy: strategy.name, forgeable: strategy.forgeable }] : [];
    });
  }
}
