import pg from 'pg';
import { TenancyConfigurationError, TenantContext, TenantContextMissingError } from '@tenantry/core';
import { DataSource, type QueryRunner, type ReplicationMode } from 'typeorm';
import { inspectIsolation } from '../doctor/inspect-isolation.js';
import { IsolationBrokenError } from '../doctor/isolation.errors.js';
import { TenantPool } from '../pool/tenant-pool.js';
import { TenantRelationLoader, trackLazyHomes } from './lazy-relations.js';
import {
  refuseUnsafeOptions,
  resolveTenantDataSourceOptions,
  type PostgresOptions,
  type ResolvedTenantDataSourceOptions,
  type TenantDataSourceOptions,
} from './tenant-data-source.options.js';
import { TenantDataSourceFactory } from './tenant-data-source.factory.js';
import { TenantResultCache } from './tenant-result-cache.js';
import { joinCurrent, RoutedEntityManager } from '../transaction/joined-runner.js';

/**
 * The application's one `DataSource`. It belongs to no tenant: whatever is asked of it (repositories,
 * entity managers, query builders, transactions, raw SQL, active record) is routed, at the moment a query
 * runner is made, to the view of the tenant in force.
 */
export class TenantDataSource extends DataSource {
  readonly views: TenantDataSourceFactory;
  readonly #tenancy: ResolvedTenantDataSourceOptions;
  #initializing: Promise<this> | undefined;

  constructor(options: PostgresOptions, tenancy?: TenantDataSourceOptions) {
    refuseUnsafeOptions(options);
    const resolved = resolveTenantDataSourceOptions(tenancy);
    super({ ...options, driver: tenantDriver(resolved), installExtensions: false });
    this.#tenancy = resolved;
    this.views = new TenantDataSourceFactory(this, resolved);
    const own = this as { -readonly [K in keyof DataSource]: DataSource[K] };
    own.manager = new RoutedEntityManager(this);
    own.relationLoader = new TenantRelationLoader(this);
    if (own.queryResultCache)
      own.queryResultCache = new TenantResultCache(own.queryResultCache, () => this.currentOrNone());
  }

  /**
   * The routing point. Inside a transaction of the tenant in force the runner joins it.
   *
   * @throws {TenantContextMissingError} when neither a tenant nor the central context is in force
   * @throws {TransactionEndedError} in code that was not awaited and has outlived its transaction
   */
  override createQueryRunner(mode?: ReplicationMode): QueryRunner {
    const view = this.current();
    return joinCurrent(this, view) ?? view.createQueryRunner(mode);
  }

  /** @throws {TenantContextMissingError} when neither a tenant nor the central context is in force */
  current(): DataSource {
    const view = this.currentOrNone();
    if (!view) throw new TenantContextMissingError('A database query');
    return view;
  }

  currentOrNone(): DataSource | undefined {
    const state = TenantContext.state();
    switch (state.kind) {
      case 'tenant':
        return this.views.forTenant(state.tenant);
      case 'central':
        return this.views.central();
      case 'none':
        return undefined;
    }
  }

  /** @throws {TenancyConfigurationError} for an option that cannot be had together with tenants, or not any more */
  override setOptions(options: Partial<PostgresOptions>): this {
    refuseUnsafeOptions(options);
    if (options.cache)
      throw new TenancyConfigurationError("TypeORM's option 'cache' can be set only for a new data source.");
    return super.setOptions(options);
  }

  /** As TypeORM's, but calls that overlap share one initialisation instead of losing a pool. */
  override initialize(): Promise<this> {
    this.#initializing ??= TenantContext.runDetached(() => this.#initialize()).finally(() => {
      this.#initializing = undefined;
    });
    return this.#initializing;
  }

  override async synchronize(dropBeforeSync?: boolean): Promise<void> {
    return this.current().synchronize(dropBeforeSync);
  }

  override async dropDatabase(): Promise<void> {
    return this.current().dropDatabase();
  }

  override async runMigrations(
    ...options: Parameters<DataSource['runMigrations']>
  ): ReturnType<DataSource['runMigrations']> {
    return this.current().runMigrations(...options);
  }

  override async undoLastMigration(...options: Parameters<DataSource['undoLastMigration']>): Promise<void> {
    return this.current().undoLastMigration(...options);
  }

  override async showMigrations(): Promise<boolean> {
    return this.current().showMigrations();
  }

  async #initialize(): Promise<this> {
    await super.initialize();
    try {
      this.#refusePinnedEntities();
      if (this.#tenancy.isolation.level === 'role') await this.#refuseBrokenIsolation();
    } catch (error) {
      await this.destroy();
      throw error;
    }
    trackLazyHomes(this);
    return this;
  }

  async #refuseBrokenIsolation(): Promise<void> {
    const { isolation, pool } = this.#tenancy;
    const findings = await inspectIsolation(this, { isolation, pooler: pool.pooler });
    const broken = findings.filter(({ severity }) => severity === 'breaks');
    if (broken.length > 0) throw new IsolationBrokenError(broken);
    // Not through TypeORM's logger, which swallows warnings unless told otherwise.
    for (const { code, what, remedy } of findings)
      process.emitWarning(`Isolation is weakened: ${what} (${code}). Remedy: ${remedy}`, 'TenantryWarning');
  }

  #refusePinnedEntities(): void {
    const pinned = this.entityMetadatas.find(({ schema, database }) => schema ?? database);
    if (!pinned) return;
    throw new TenancyConfigurationError(
      `Entity '${pinned.name}' is pinned to schema '${pinned.schema ?? pinned.database}', which every tenant would share. ` +
        'Remove its schema option; central tables are reached through TenantContext.runCentral().',
    );
  }
}

/** pg with our pool in it, which is TypeORM's public way to bring one's own driver. */
function tenantDriver({ isolation, pool }: ReturnType<typeof resolveTenantDataSourceOptions>): object {
  class ConfiguredPool extends TenantPool {
    constructor(config: pg.PoolConfig) {
      super({
        ...config,
        tenantry: {
          ...pool,
          extendedOnly: isolation.level === 'role',
          centralSchema: isolation.centralSchema,
        },
      });
    }
  }
  return { ...pg, native: undefined, Pool: ConfiguredPool };
}
