export { TenantryTypeOrmModule } from './module/tenantry-typeorm.module.js';
export type { TenantryTypeOrmOptions } from './module/tenantry-typeorm.options.js';

export { TenantDataSource } from './datasource/tenant-data-source.js';
export { TenantDataSourceFactory } from './datasource/tenant-data-source.factory.js';
export type {
  IsolationLevel,
  IsolationOptions,
  PostgresOptions,
  TenantDataSourceOptions,
} from './datasource/tenant-data-source.options.js';
export {
  inspectIsolation,
  inspectLogin,
  type Inspectable,
  type InspectionOptions,
} from './doctor/inspect-isolation.js';
export type { IsolationCode, IsolationFinding } from './doctor/finding.js';
export { IsolationBrokenError } from './doctor/isolation.errors.js';

export { guardTable, unguardTable, type GuardTableOptions } from './column-mode/guard-table.js';
export { TenantOwned } from './column-mode/tenant-owned.js';

export { TenantPool, type TenantPoolConfig, type TenantPoolGauges } from './pool/tenant-pool.js';
export type { TenantLease } from './pool/tenant-lease.js';
export type { TenantPoolOptions } from './pool/tenant-pool.options.js';
export {
  DatabaseUnavailableError,
  TenantPoolExhaustedError,
  TenantShareExhaustedError,
} from './pool/tenant-pool.errors.js';
export { createBinding, type Binding } from './binding/binding.js';
export {
  BindingFailedError,
  LeaseReleasedError,
  SessionNeededError,
  TenantRoleUnusableError,
  TenantSchemaMissingError,
  TransactionRolledBackError,
  UnboundSubmittableError,
} from './binding/binding.errors.js';

export { PostgresTenantStore } from './registry-store/postgres-tenant-store.js';
export { CreateTenantRegistry1700000000000 } from './registry-store/create-tenant-registry.migration.js';

export { setUpDatabase, type DatabaseSetupOptions } from './provisioning/database-setup.js';
export { migrateCentral, type CentralMigrationOptions } from './provisioning/central-migrations.js';
export { TenantProvisioner, type TenantProvisionerOptions } from './provisioning/tenant-provisioner.js';
export { TenantRoleForeignError, TenantSchemaForeignError } from './provisioning/provisioning.errors.js';

export { TenantDatabase, type TenantSql } from './database/tenant-database.js';
export type { SqlStatements } from './database/sql-statements.js';
export { RowNotFoundError, RowNotUniqueError } from './database/row-count.errors.js';
export { TenantRepository, type TenantRepositoryClass } from './database/tenant-repository.js';
export { applyTenantContext } from './database/apply-tenant-context.js';
export {
  SessionBoundElsewhereError,
  SessionNotInTransactionError,
} from './database/apply-tenant-context.errors.js';

export { TenantTransactions } from './transaction/tenant-transactions.js';
export { afterCommit, afterRollback } from './transaction/transaction-hooks.js';
export { Transactional } from './transaction/transactional.decorator.js';
export type { Propagation, TransactionOptions } from './transaction/transaction.options.js';
export type { TransactionHook } from './transaction/transaction-level.js';
export {
  NestedTransactionOpenError,
  TransactionEndedError,
  TransactionMissingError,
  TransactionOfOtherTenantError,
  TransactionOptionsConflictError,
  TransactionPresentError,
} from './transaction/transaction.errors.js';
