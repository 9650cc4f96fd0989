export { InMemoryTenantStore, tenantRecord } from './in-memory-tenant-store.js';
export { signTestToken } from './sign-test-token.js';
export { describeTenantStore, type OpenedTenantStore } from './tenant-store-contract.js';
