export { findFreePort } from '../server/free-port.ts';
export { cloneUrl, type UrlChanges } from './clone-url.ts';
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.ts';
export { TestDatabaseError, type TestDatabaseErrorCode } from './test-database.errors.ts';
export { startTestPostgres, type TestPostgres } from './test-postgres.ts';
export { dropTestTemplates, type TestTemplate } from './test-template.ts';
