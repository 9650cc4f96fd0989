import pg from 'pg';
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
import { TenantRoleForeignError, TenantSchemaForeignError } from './provisioning.errors.js';

export interface TenantProvisionerOptions {
  readonly level: IsolationLevel;
  /** Login that the tenant's role is granted to; at level `path`, the one that uses the schema itself. */
  readonly runtimeLogin: string;
}

/**
 * Makes a tenant's schema from the application's ordinary TypeORM migrations: role, schema, rights and
 * tables in one transaction on the admin login, so that a crash at any point leaves all of it or nothing.
 * A schema of that name that is the admin login's own is adopted with what is in it; nothing is ever dropped.
 */
export class TenantProvisioner implements ProvisioningStep {
  readonly name = 'postgres-schema';

  #admin: Promise<TenantDataSource> | undefined;

  constructor(
    /** Makes the data source on the admin login, at level `path`, with the tenants' migrations; when first needed. */
    private readonly createAdmin: () => TenantDataSource,
    private readonly options: TenantProvisionerOptions,
  ) {}

  /**
   * Brings the tenant's schema into being and up to date. Idempotent; callers for one tenant go one by one.
   *
   * @throws {TenantSchemaForeignError | TenantRoleForeignError} when the name is somebody else's already
   */
  async apply(tenant: Pick<Tenant, 'schema'>): Promise<void> {
    const { schema } = tenant;
    if (!isSchemaName(schema))
      throw new TenancyConfigurationError(`'${schema}' is no name for a tenant's schema.`);
    await TenantContext.runDetached(() => this.#inTransaction(schema));
  }

  /** Ends what is under way, which leaves nothing of it. */
  async close(): Promise<void> {
    const connecting = this.#admin;
    this.#admin = undefined;
    const admin = await connecting?.catch(() => undefined);
    if (admin?.isInitialized) await admin.destroy();
  }

  #connectedAdmin(): Promise<TenantDataSource> {
    this.#admin ??= this.createAdmin()
      .initialize()
      .catch((error: unknown) => {
        this.#admin = undefined;
        throw error;
      });
    return this.#admin;
  }

  async #inTransaction(schema: string): Promise<void> {
    const admin = await this.#connectedAdmin();
    const { view, searchPath } = admin.views.forNewSchema(schema);
    const queryRunner = view.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await this.#ensureSchema(queryRunner, schema);
      await queryRunner.query(`SET LOCAL search_path = ${searchPath}`);
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
    if (!(await isOwnSchema(queryRunner, schema))) await queryRunner.query(`CREATE SCHEMA "${schema}"`);
    if (this.options.level === 'role') {
      await refuseForeignRole(queryRunner, schema);
      await ensureRole(queryRunner, schema);
      await grantMembership(queryRunner, schema, this.options.runtimeLogin);
    }
    await grantUse(queryRunner, schema, this.#userOf(schema));
  }

  /** The tenant may see which migrations ran, but not rewrite it. */
  async #protectHistory(queryRunner: QueryRunner, schema: string, table = 'migrations'): Promise<void> {
    const user = this.#userOf(schema);
    // An owner who takes the right from himself could not migrate any more.
    await queryRunner.query(
      `DO $tenantry$ BEGIN
         IF current_user <> ${pg.escapeLiteral(user)} THEN
           REVOKE INSERT, UPDATE, DELETE ON "${schema}".${pg.escapeIdentifier(table)} FROM ${pg.escapeIdentifier(user)};
         END IF;
       END $tenantry$`,
    );
  }

  /** Who uses the schema: the tenant's own role, or at level `path` the login itself. */
  #userOf(schema: string): string {
    return this.options.level === 'role' ? schema : this.options.runtimeLogin;
  }
}

/** @throws {TenantSchemaForeignError} when it is there and somebody else's */
async function isOwnSchema(queryRunner: QueryRunner, schema: string): Promise<boolean> {
  const [found] = (await queryRunner.query(
    `SELECT pg_get_userbyid(nspowner) AS owner, pg_get_userbyid(nspowner) = current_user AS own
     FROM pg_namespace WHERE nspname = $1`,
    [schema],
  )) as { owner: string; own: boolean }[];
  if (found && !found.own) throw new TenantSchemaForeignError(schema, found.owner);
  return found !== undefined;
}

/** Granting such a role to the runtime login would hand out its rights. */
async function refuseForeignRole(queryRunner: QueryRunner, role: string): Promise<void> {
  const foreign = (await queryRunner.query(
    `SELECT FROM pg_roles r WHERE rolname = $1
       AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
            OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid))`,
    [role],
  )) as unknown[];
  if (foreign.length > 0) throw new TenantRoleForeignError(role);
}
