import {
  isSchemaName,
  TenancyConfigurationError,
  TenantContext,
  type ProvisioningStep,
  type Tenant,
} from '@tenantry/core';
import { MigrationExecutor, type QueryRunner } from 'typeorm';
import type { IsolationLevel } from '../datasource/tenant-data-source.options.js';
import { TenantDataSource } from '../datasource/tenant-data-source.js';
import { ensureRole, grantMembership, grantUse } from './database-setup.js';

export interface TenantProvisionerOptions {
  readonly level: IsolationLevel;
  /** Login that the tenant's role is granted to. */
  readonly runtimeLogin: string;
}

/**
 * Makes a tenant's schema from the application's ordinary TypeORM migrations: role, schema, rights and
 * tables in one transaction on the admin login, so that a crash at any point leaves all of it or nothing.
 * Never drops anything.
 */
export class TenantProvisioner implements ProvisioningStep {
  readonly name = 'postgres-schema';

  #admin: TenantDataSource | undefined;

  constructor(
    /** Makes the data source on the admin login, at level `path`, with the tenants' migrations; when first needed. */
    private readonly createAdmin: () => TenantDataSource,
    private readonly options: TenantProvisionerOptions,
  ) {}

  /** Brings the tenant's schema into being and up to date. Idempotent; callers for one tenant go one by one. */
  async apply(tenant: Pick<Tenant, 'schema'>): Promise<void> {
    const { schema } = tenant;
    if (!isSchemaName(schema))
      throw new TenancyConfigurationError(`'${schema}' is no name for a tenant's schema.`);
    await TenantContext.runDetached(() => this.#inTransaction(schema));
  }

  async close(): Promise<void> {
    if (this.#admin?.isInitialized) await this.#admin.destroy();
    this.#admin = undefined;
  }

  async #connectedAdmin(): Promise<TenantDataSource> {
    this.#admin ??= this.createAdmin();
    return this.#admin.isInitialized ? this.#admin : this.#admin.initialize();
  }

  async #inTransaction(schema: string): Promise<void> {
    const admin = await this.#connectedAdmin();
    const view = admin.views.forNewSchema(schema);
    const queryRunner = view.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await this.#ensureSchema(queryRunner, schema);
      const executor = new MigrationExecutor(view, queryRunner);
      executor.transaction = 'none';
      await executor.executePendingMigrations();
      await this.#protectHistory(queryRunner, schema, admin.options.migrationsTableName);
      await queryRunner.commitTransaction();
    } catch (error) {
      if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction().catch(() => {});
      throw error;
    } finally {
      await queryRunner.release();
    }
  }

  async #ensureSchema(queryRunner: QueryRunner, schema: string): Promise<void> {
    await queryRunner.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`tenantry:${schema}`]);
    await queryRunner.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    const { level, runtimeLogin } = this.options;
    if (level === 'role') {
      await ensureRole(queryRunner, schema);
      await grantMembership(queryRunner, schema, runtimeLogin);
    }
    await grantUse(queryRunner, schema, this.#userOf(schema));
    await queryRunner.query(`SET LOCAL search_path = "${schema}", pg_temp`);
  }

  /** The tenant may see which migrations ran, but not rewrite it. */
  async #protectHistory(queryRunner: QueryRunner, schema: string, table = 'migrations'): Promise<void> {
    await queryRunner.query(
      `REVOKE INSERT, UPDATE, DELETE ON "${schema}"."${table}" FROM "${this.#userOf(schema)}"`,
    );
  }

  /** Who uses the schema: the tenant's own role, or at level `path` the login itself. */
  #userOf(schema: string): string {
    return this.options.level === 'role' ? schema : this.options.runtimeLogin;
  }
}
