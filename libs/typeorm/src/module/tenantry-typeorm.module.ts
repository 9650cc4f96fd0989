import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  isTenancyError,
  PROVISIONING_STEPS,
  TENANT_STORE,
  TenancyConfigurationError,
  TenantManager,
  TenantRegistry,
  type ManagedTenantStore,
  type ProvisioningStep,
} from '@tenantry/core';
import type pg from 'pg';
import { DataSource, QueryFailedError, TypeORMError } from 'typeorm';
import { TenantSchemaMissingError } from '../binding/binding.errors.js';
import { TenantDataSourceFactory } from '../datasource/tenant-data-source.factory.js';
import { TenantDataSource } from '../datasource/tenant-data-source.js';
import type { PostgresOptions } from '../datasource/tenant-data-source.options.js';
import { TenantDatabase } from '../database/tenant-database.js';
import { bindingOf } from '../datasource/view-binding.js';
import { DatabaseUnavailableError } from '../pool/tenant-pool.errors.js';
import { TenantProvisioner } from '../provisioning/tenant-provisioner.js';
import { PostgresTenantStore } from '../registry-store/postgres-tenant-store.js';
import { TenantTransactions } from '../transaction/tenant-transactions.js';
import {
  TENANTRY_TYPEORM_OPTIONS,
  TenantryTypeOrmOptionsModule,
  type TenantryTypeOrmAsyncOptions,
  type TenantryTypeOrmRootOptions,
} from './tenantry-typeorm-options.module.js';
import {
  adminDataSourceOptions,
  runtimeDataSourceOptions,
  type ResolvedTenantryTypeOrmOptions,
} from './tenantry-typeorm.options.js';

type RoutedOptions = PostgresOptions & { readonly tenantry: ResolvedTenantryTypeOrmOptions };

/**
 * TypeORM for many tenants: `@InjectRepository()`, `DataSource` and `EntityManager` work as ever, each time
 * in the schema of the tenant in force. Also provides the registry in PostgreSQL and what makes tenants.
 *
 * @example
 * \@Module({ imports: [TenantryTypeOrmModule.forRoot({ url, adminUrl, tenantMigrations: [CreateCampaigns] })] })
 * export class AppModule {}
 *
 * \@Module({ imports: [TenantryTypeOrmModule.forFeature([Campaign])] })
 * export class MarketingModule {}
 */
@Module({})
export class TenantryTypeOrmModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly provisioner: TenantProvisioner,
    private readonly views: TenantDataSourceFactory,
  ) {}

  static forRoot(options: TenantryTypeOrmRootOptions): DynamicModule {
    return rootModule(TenantryTypeOrmOptionsModule.forRoot(options));
  }

  static forRootAsync(options: TenantryTypeOrmAsyncOptions): DynamicModule {
    return rootModule(TenantryTypeOrmOptionsModule.forRootAsync(options));
  }

  /** Repositories of these entities, for one module; as `TypeOrmModule.forFeature`. */
  static forFeature(entities: Parameters<typeof TypeOrmModule.forFeature>[0]): DynamicModule {
    return TypeOrmModule.forFeature(entities);
  }

  async onModuleInit(): Promise<void> {
    await refuseWithoutRegistry(this.views.central());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.provisioner.close();
  }
}

async function refuseWithoutRegistry(central: DataSource): Promise<void> {
  const [found] = await central
    .query<[{ exists: boolean }]>(`SELECT to_regclass('tenants') IS NOT NULL AS exists`)
    .catch((error: unknown): [{ exists: boolean }] => {
      const missing =
        error instanceof QueryFailedError && error.driverError instanceof TenantSchemaMissingError;
      if (!missing) throw error;
      return [{ exists: false }];
    });
  if (found.exists) return;
  throw new TenancyConfigurationError(
    `The registry of tenants is missing in schema '${bindingOf(central)!.schema}'. Call setUpDatabase() and migrateCentral() ` +
      'before the application starts, with the same isolation as here.',
  );
}

function rootModule(options: DynamicModule): DynamicModule {
  return {
    module: TenantryTypeOrmModule,
    global: true,
    imports: [
      options,
      TypeOrmModule.forRootAsync({
        imports: [options],
        inject: [TENANTRY_TYPEORM_OPTIONS],
        useFactory: (resolved: ResolvedTenantryTypeOrmOptions): TypeOrmModuleOptions & RoutedOptions => ({
          ...runtimeDataSourceOptions(resolved),
          tenantry: resolved,
          autoLoadEntities: true,
          toRetry: mayMendItself,
        }),
        dataSourceFactory: async (routed) => {
          const { tenantry, ...typeorm } = routed as RoutedOptions;
          return new TenantDataSource(typeorm, tenantry);
        },
      }),
    ],
    providers: [
      {
        provide: TenantDataSourceFactory,
        inject: [DataSource],
        useFactory: ({ views }: TenantDataSource) => views,
      },
      {
        provide: TenantTransactions,
        inject: [DataSource],
        useFactory: (dataSource: TenantDataSource) => new TenantTransactions(dataSource),
      },
      {
        provide: TenantDatabase,
        inject: [DataSource, TenantTransactions],
        useFactory: (dataSource: TenantDataSource, transactions: TenantTransactions) =>
          new TenantDatabase(dataSource, transactions),
      },
      {
        provide: TENANT_STORE,
        inject: [TenantDataSourceFactory, TENANTRY_TYPEORM_OPTIONS],
        useFactory: (views: TenantDataSourceFactory, resolved: ResolvedTenantryTypeOrmOptions) =>
          new PostgresTenantStore(
            views.central(),
            resolved.isolation.centralSchema,
            listenerConfig(resolved),
          ),
      },
      { provide: TenantProvisioner, inject: [TENANTRY_TYPEORM_OPTIONS], useFactory: createProvisioner },
      {
        provide: PROVISIONING_STEPS,
        inject: [TenantProvisioner],
        useFactory: (provisioner: TenantProvisioner): readonly ProvisioningStep[] => [provisioner],
      },
      {
        provide: TenantManager,
        inject: [TENANT_STORE, TenantRegistry, PROVISIONING_STEPS],
        useFactory: (
          store: ManagedTenantStore,
          registry: TenantRegistry,
          steps: readonly ProvisioningStep[],
        ) => new TenantManager(store, registry, steps),
      },
    ],
    exports: [
      TenantDataSourceFactory,
      TenantTransactions,
      TenantDatabase,
      TENANT_STORE,
      TenantManager,
      TenantProvisioner,
    ],
  };
}

/** How long making a tenant may wait for those before it. */
const PROVISIONING_TURN_MS = 60_000;

/** A login or database that PostgreSQL does not accept: class 28, and 3D000. */
const REFUSED_BY_SERVER = /^(?:28...|3D000)$/;

/** A server that is still starting is waited for; a wrong set-up fails at once. */
function mayMendItself(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return mayMendItself(error.cause);
  if (isTenancyError(error)) return false;
  if (error instanceof TypeORMError) return error instanceof QueryFailedError;
  return !REFUSED_BY_SERVER.test(String((error as { code?: unknown }).code));
}

/** LISTEN needs a session of its own, which a transaction pooler does not give. */
function listenerConfig({ input, pool }: ResolvedTenantryTypeOrmOptions): pg.ClientConfig | undefined {
  const connectionString = input.listenUrl ?? (pool.pooler === 'none' ? input.url : undefined);
  return connectionString === undefined
    ? undefined
    : { connectionString, ssl: input.typeorm?.ssl as pg.ClientConfig['ssl'] };
}

function createProvisioner(resolved: ResolvedTenantryTypeOrmOptions): TenantProvisioner {
  const { isolation, input } = resolved;
  const { adminUrl } = input;
  const admin = (): TenantDataSource => {
    if (adminUrl === undefined) {
      throw new TenancyConfigurationError(
        'Creating tenants needs the option adminUrl, a login that may create schemas and roles.',
      );
    }
    return new TenantDataSource(adminDataSourceOptions(resolved, adminUrl), {
      isolation: { ...isolation, level: 'path' },
      // Tenants that are made at once take turns on few connections, each for as long as its migrations take.
      pool: { acquireTimeoutMs: PROVISIONING_TURN_MS },
    });
  };
  return new TenantProvisioner(admin, {
    level: isolation.level,
    runtimeLogin: decodeURIComponent(new URL(input.url).username),
  });
}
