export { InMemoryTenantStore, tenantRecord } from './in-memory-tenant-store.js';
export { signTestToken } from './sign-test-token.js';
