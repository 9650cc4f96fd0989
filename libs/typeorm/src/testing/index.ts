export { startTenantDatabase, type TenantDatabase, type TenantDatabaseOptions } from './tenant-database.js';
