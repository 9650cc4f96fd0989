export { InMemoryTenantStore, tenantRecord } from './in-memory-tenant-store.js';
