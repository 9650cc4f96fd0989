import {
  ConfigurableModuleBuilder,
  Global,
  Module,
  type MiddlewareConsumer,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, HttpAdapterHost, Reflector } from '@nestjs/core';
import { TenantGate } from '../access/tenant-gate.js';
import { TenantGuard } from '../access/tenant.guard.js';
import { TokenVerifier } from '../access/token-verifier.js';
import { TenantContext } from '../context/tenant-context.js';
import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { TenancyExceptionFilter } from './tenancy-exception.filter.js';
import { TenantRegistry } from '../registry/tenant-registry.js';
import { TENANT_STORE, type TenantStore } from '../registry/tenant-store.js';
import { TenantResolver } from '../resolution/tenant-resolver.js';
import { mountScopes } from './mount-scopes.js';
import {
  resolveTenancyOptions,
  type ResolvedTenancyOptions,
  type TenancyModuleOptions,
} from './tenancy.options.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<TenancyModuleOptions>(
  {
    moduleName: 'Tenancy',
  },
)
  .setClassMethodName('forRoot')
  .build();

const RESOLVED_OPTIONS = Symbol('tenantry.tenancy-options');

/**
 * Makes an application multi-tenant: every request runs in a scope, the global guard fills it with a
 * verified tenant, and the exception filter answers for everything that goes wrong. Import it once, in
 * the root module, beside a module that provides a `TenantStore` (such as `TenantryTypeOrmModule`).
 *
 * @example
 * TenancyModule.forRoot({
 *   resolution: { strategies: [jwtClaimStrategy(), headerStrategy()] },
 *   access: { kind: 'jwt', jwt: { key: { secret }, issuer: 'shop', audience: 'shop-api' } },
 * })
 */
@Global()
@Module({
  providers: [
    TenantContext,
    {
      provide: RESOLVED_OPTIONS,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: resolveTenancyOptions,
    },
    {
      provide: TenantResolver,
      inject: [RESOLVED_OPTIONS],
      useFactory: ({ resolution }: ResolvedTenancyOptions) =>
        new TenantResolver(resolution.strategies, resolution.trustedProxies),
    },
    {
      provide: TenantRegistry,
      inject: [{ token: TENANT_STORE, optional: true }, RESOLVED_OPTIONS],
      useFactory: (store: TenantStore | undefined, { registry }: ResolvedTenancyOptions) => {
        if (!store) {
          throw new TenancyConfigurationError(
            'No TenantStore is provided. Import a module that provides one, such as TenantryTypeOrmModule.forRoot(), ' +
              'or provide TENANT_STORE from a global module.',
          );
        }
        return new TenantRegistry(store, registry);
      },
    },
    {
      provide: APP_GUARD,
      inject: [Reflector, TenantResolver, TenantRegistry, RESOLVED_OPTIONS],
      useFactory: (
        reflector: Reflector,
        resolver: TenantResolver,
        registry: TenantRegistry,
        { access, resolution }: ResolvedTenancyOptions,
      ) => {
        const jwt = access.kind === 'jwt' ? access : undefined;
        const gate = new TenantGate(registry, jwt?.membership, access.kind === 'trusted-network');
        return new TenantGuard(
          reflector,
          resolver,
          gate,
          jwt && new TokenVerifier(jwt.jwt),
          resolution.excludePaths,
        );
      },
    },
    {
      provide: APP_FILTER,
      inject: [HttpAdapterHost],
      useFactory: (host: HttpAdapterHost) => new TenancyExceptionFilter(host),
    },
  ],
  exports: [TenantContext, TenantRegistry, TenantResolver],
})
export class TenancyModule
  extends ConfigurableModuleClass
  implements NestModule, OnModuleInit, OnApplicationShutdown
{
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly registry: TenantRegistry,
  ) {
    super();
  }

  /** Called before any route exists, which is when scopes have to be mounted. */
  configure(_consumer: MiddlewareConsumer): void {
    mountScopes(this.adapterHost.httpAdapter);
  }

  async onModuleInit(): Promise<void> {
    await this.registry.watch();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.registry.stopWatching();
  }
}
