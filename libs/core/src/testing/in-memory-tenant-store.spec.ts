import { InMemoryTenantStore } from './in-memory-tenant-store.js';
import { describeTenantStore } from './tenant-store-contract.js';

describeTenantStore('InMemoryTenantStore', async () => ({ store: new InMemoryTenantStore() }));
