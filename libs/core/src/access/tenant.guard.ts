import { Injectable, Logger, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { requestScope } from '../context/request-scope.js';
import type { TenantScope } from '../context/tenant-context.js';
import { isTenancyError } from '../errors/tenancy.error.js';
import {
  nodeRequest,
  withClaims,
  type HttpRequestLike,
  type ResolutionRequest,
} from '../resolution/resolution-request.js';
import { excludedPathTest } from '../resolution/resolution.options.js';
import { JWT_CLAIM_STRATEGY } from '../resolution/strategies/jwt-claim.js';
import type { TenantCandidate } from '../resolution/tenant-candidate.js';
import type { TenantResolver } from '../resolution/tenant-resolver.js';
import {
  TenantClaimMissingError,
  TenantForbiddenError,
  TransportUnsupportedError,
  UnauthenticatedError,
} from './access.errors.js';
import { rememberPrincipal, type Principal } from './principal.js';
import { ROUTE_ACCESS, TENANT_ROLES, type RouteAccess } from './route-access.decorator.js';
import type { TenantGate } from './tenant-gate.js';
import { bearerToken, type TokenVerifier } from './token-verifier.js';

/**
 * Global guard: authenticates the caller, finds and proves the tenant, and fills the request's scope with
 * it, once. Everything after it (other guards, pipes, interceptors, the handler, exception filters) runs
 * in the tenant. Whatever it does not know is refused.
 */
@Injectable()
export class TenantGuard implements CanActivate {
  readonly #logger = new Logger(TenantGuard.name);
  readonly #isExcluded: (path: string) => boolean;

  constructor(
    private readonly reflector: Reflector,
    private readonly resolver: TenantResolver,
    private readonly gate: TenantGate,
    /** `undefined` in a trusted network. */
    private readonly verifier: TokenVerifier | undefined,
    excludePaths: readonly string[],
  ) {
    this.#isExcluded = excludedPathTest(excludePaths);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.#metadata<RouteAccess>(ROUTE_ACCESS, context) ?? 'tenant';
    if (access === 'public') return true;
    if (context.getType<string>() !== 'http') throw new TransportUnsupportedError(context.getType<string>());
    const request = context.switchToHttp().getRequest<HttpRequestLike & object>();
    try {
      const read = this.resolver.read(request);
      if (this.#isExcluded(read.path)) return true;
      const principal = await this.#authenticate(read);
      if (principal) rememberPrincipal(request, principal);
      await this.#enter(requestScope(nodeRequest(request)), access, read, principal, context);
      return true;
    } catch (error) {
      // The body tells callers apart as little as possible; the log tells all.
      if (isTenancyError(error)) this.#logger.warn(`${error.code}: ${error.message}`);
      throw error;
    }
  }

  async #authenticate(request: ResolutionRequest): Promise<Principal | undefined> {
    // Malformed names are refused first: they cost no cryptography and reach no log, key or query.
    this.resolver.candidates(request);
    if (!this.verifier) return undefined;
    const token = bearerToken(request.header('authorization'));
    if (token === undefined) throw new UnauthenticatedError('token-missing');
    return this.verifier.verify(token);
  }

  async #enter(
    scope: TenantScope,
    access: Exclude<RouteAccess, 'public'>,
    request: ResolutionRequest,
    principal: Principal | undefined,
    context: ExecutionContext,
  ): Promise<void> {
    const candidates = this.resolver.candidates(principal ? withClaims(request, principal.claims) : request);
    if (access === 'central') {
      this.#requireOperator(principal, candidates);
      return scope.enterCentral();
    }
    const admitted = await this.gate.admit(candidates, principal);
    if (!admitted && access === 'tenant') throw new TenantClaimMissingError();
    const needed = this.#metadata<string[]>(TENANT_ROLES, context);
    // Also on routes for which the tenant is optional: without a tenant nobody has a role in it.
    if (needed && !needed.some((role) => admitted?.roles.includes(role))) {
      throw new TenantForbiddenError('role-missing', {
        tenant: admitted?.record.id,
        user: principal?.userId,
      });
    }
    if (admitted) scope.enterTenant(admitted.record);
  }

  #requireOperator(principal: Principal | undefined, candidates: readonly TenantCandidate[]): void {
    // A role named "operator" inside some tenant opens nothing: operators' tokens carry no tenant.
    const carriesTenant = candidates.some(({ strategy }) => strategy === JWT_CLAIM_STRATEGY);
    if (!this.verifier || carriesTenant || !principal?.roles.includes(this.verifier.operatorRole)) {
      throw new TenantForbiddenError('not-an-operator', { user: principal?.userId });
    }
  }

  #metadata<T>(key: string, context: ExecutionContext): T | undefined {
    return this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
  }
}
