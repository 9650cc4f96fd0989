export { TenantContext, TenantScope, type TenantContextState } from './context/tenant-context.js';
export { TenantAlreadyResolvedError, TenantContextMissingError } from './context/tenant-context.errors.js';
export { snapshotTenant, type Tenant, type TenantPlacement } from './context/tenant.js';
export { CurrentTenant } from './context/current-tenant.decorator.js';

export {
  isTenancyError,
  TenancyError,
  type TenancyErrorInit,
  type TenancyErrorKind,
} from './errors/tenancy.error.js';
export { TenancyConfigurationError } from './errors/configuration.error.js';
export { TenancyExceptionFilter, toErrorBody, type ErrorBody } from './module/tenancy-exception.filter.js';

export type { TenantRecord, TenantStatus } from './registry/tenant-record.js';
export {
  TENANT_STORE,
  type TenantListQuery,
  type TenantPage,
  type TenantStore,
} from './registry/tenant-store.js';
export { TenantRegistry, type TenantLookup } from './registry/tenant-registry.js';
export type { TenantRegistryOptions } from './registry/tenant-registry.options.js';
export {
  canonicalHost,
  isTenantId,
  isTenantSlug,
  parseTenantKey,
  type TenantKey,
} from './registry/tenant-key.js';
export { TenantKeyMalformedError } from './registry/tenant-key.errors.js';
export { isSchemaName, schemaNameFor } from './registry/schema-name.js';

export { TenantManager, type CreateTenantInput } from './lifecycle/tenant-manager.js';
export type { ManagedTenantStore, NewTenantRecord, TenantPatch } from './lifecycle/managed-tenant-store.js';
export { PROVISIONING_STEPS, type ProvisioningStep } from './lifecycle/provisioning-step.js';
export {
  TenantNotFoundError,
  TenantTakenError,
  TenantTransitionError,
} from './lifecycle/lifecycle.errors.js';

export { TenantResolver } from './resolution/tenant-resolver.js';
export type { TenantResolutionStrategy } from './resolution/tenant-resolution-strategy.js';
export type { TenantCandidate } from './resolution/tenant-candidate.js';
export type { HttpRequestLike, ResolutionRequest, VerifiedClaims } from './resolution/resolution-request.js';
export type { ResolutionOptions } from './resolution/resolution.options.js';
export { headerStrategy } from './resolution/strategies/header.js';
export { queryStrategy } from './resolution/strategies/query.js';
export { pathStrategy } from './resolution/strategies/path.js';
export { subdomainStrategy } from './resolution/strategies/subdomain.js';
export { customDomainStrategy } from './resolution/strategies/custom-domain.js';
export { jwtClaimStrategy } from './resolution/strategies/jwt-claim.js';

export {
  Central,
  Public,
  TenantOptional,
  TenantRoles,
  type RouteAccess,
} from './access/route-access.decorator.js';
export { CurrentPrincipal, type Principal } from './access/principal.js';
export type { AccessOptions } from './access/access.options.js';
export type {
  AsymmetricAlgorithm,
  JwtAccessOptions,
  JwtKey,
  SymmetricAlgorithm,
} from './access/jwt-access.options.js';
export type { TenantMembership } from './access/tenant-membership.js';
export { TenantGuard } from './access/tenant.guard.js';
export {
  TenantClaimMissingError,
  TenantForbiddenError,
  TenantMismatchError,
  TransportUnsupportedError,
  UnauthenticatedError,
  type TenantForbiddenReason,
  type UnauthenticatedReason,
} from './access/access.errors.js';

export { TenancyModule } from './module/tenancy.module.js';
export type { TenancyModuleOptions } from './module/tenancy.options.js';
