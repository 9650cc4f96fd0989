import * as core from './index.js';
import * as testing from './testing/index.js';

describe('what the package exports', () => {
  it('at its root is exactly this', () => {
    expect(Object.keys(core).toSorted()).toMatchInlineSnapshot(`
     [
       "Central",
       "CurrentPrincipal",
       "CurrentTenant",
       "PROVISIONING_STEPS",
       "Public",
       "TENANT_STORE",
       "TenancyConfigurationError",
       "TenancyError",
       "TenancyExceptionFilter",
       "TenancyModule",
       "TenantAlreadyResolvedError",
       "TenantClaimMissingError",
       "TenantContext",
       "TenantContextMissingError",
       "TenantForbiddenError",
       "TenantGuard",
       "TenantKeyMalformedError",
       "TenantManager",
       "TenantMismatchError",
       "TenantNotFoundError",
       "TenantOptional",
       "TenantRegistry",
       "TenantResolver",
       "TenantRoles",
       "TenantScope",
       "TenantTakenError",
       "TenantTransitionError",
       "TransportUnsupportedError",
       "UnauthenticatedError",
       "canonicalHost",
       "customDomainStrategy",
       "headerStrategy",
       "isSchemaName",
       "isTenancyError",
       "isTenantId",
       "isTenantSlug",
       "jwtClaimStrategy",
       "parseTenantKey",
       "pathStrategy",
       "queryStrategy",
       "schemaNameFor",
       "snapshotTenant",
       "subdomainStrategy",
       "toErrorBody",
     ]
    `);
  });

  it('for tests is exactly this', () => {
    expect(Object.keys(testing).toSorted()).toMatchInlineSnapshot(`
     [
       "InMemoryTenantStore",
       "describeTenantStore",
       "signTestToken",
       "tenantRecord",
     ]
    `);
  });
});
