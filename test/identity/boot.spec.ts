import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  headerStrategy,
  isTenancyError,
  pathStrategy,
  TenancyConfigurationError,
  TenancyModule,
  TenantContext,
  TenantRegistry,
  TenantResolver,
  type TenancyModuleOptions,
} from '@tenantry/core';
import { InMemoryTenantStore } from '@tenantry/core/testing';
import { acme, ADAPTERS, EVERY_SOURCE, startSampleApp, StoreModule } from './support/sample-app.js';
import { JWT, tokenWith } from './support/tokens.js';

@Module({})
class RootModule {}
const rootOf = (...imports: DynamicModule[]): DynamicModule => ({ module: RootModule, imports });
const boot = (root: DynamicModule) =>
  NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
const bootWith = (tenancy: Partial<TenancyModuleOptions>) =>
  boot(
    rootOf(
      StoreModule.with(new InMemoryTenantStore(acme)),
      TenancyModule.forRoot({ ...EVERY_SOURCE, ...tenancy }),
    ),
  );

@Module({ providers: [{ provide: 'CONFIG', useValue: JWT }], exports: ['CONFIG'] })
class ConfigModule {}

const asynchronously = TenancyModule.forRootAsync({
  imports: [ConfigModule],
  inject: ['CONFIG'],
  useFactory: async (jwt: typeof JWT) => ({ ...EVERY_SOURCE, access: { kind: 'jwt' as const, jwt } }),
});

describe.each(ADAPTERS)('TenancyModule.forRootAsync on %s', (_, makeAdapter) => {
  it('serves requests like forRoot', async () => {
    const app = await startSampleApp(makeAdapter(), { tenancy: asynchronously });
    await expect(app.call('/whoami', { token: tokenWith({ tenant_id: 'acme' }) })).resolves.toMatchObject({
      status: 200,
      body: { tenant: 'acme' },
    });
    await expect(app.call('/whoami')).resolves.toMatchObject({ status: 401 });
    await app.nest.close();
  });
});

describe('an application without HTTP', () => {
  it('has the registry, the resolver and the context', async () => {
    const store = new InMemoryTenantStore(acme);
    const context = await boot(rootOf(StoreModule.with(store), asynchronously));
    await expect(context.get(TenantRegistry).lookup('slug', 'acme')).resolves.toEqual(acme);
    expect(context.get(TenantResolver).resolveFromUrl('https://acme.platform.test/')).toMatchObject([
      { strategy: 'subdomain', value: 'acme' },
    ]);
    expect(context.get(TenantContext).run(acme, () => context.get(TenantContext).id)).toBe(acme.id);
    await context.close();
  });

  it('follows the store from its start to its end', async () => {
    const store = new InMemoryTenantStore(acme);
    const context = await boot(rootOf(StoreModule.with(store), TenancyModule.forRoot(EVERY_SOURCE)));
    const registry = context.get(TenantRegistry);
    await registry.find(acme.id);
    store.put({ ...acme, status: 'suspended' });
    await expect(registry.find(acme.id)).resolves.toMatchObject({ status: 'suspended' });
    await context.close();
    store.put(acme);
    await expect(registry.find(acme.id)).resolves.toMatchObject({ status: 'suspended' });
  });
});

const jwtWith = (jwt: object) =>
  ({ access: { kind: 'jwt', jwt: { ...JWT, ...jwt } } }) as Partial<TenancyModuleOptions>;

describe('boot is refused', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'without a store',
      () => boot(rootOf(TenancyModule.forRoot(EVERY_SOURCE))),
      /No TenantStore is provided\. Import a module that provides one/,
    ],
    [
      'with names that anybody can give and nothing that proves them',
      () => bootWith({ resolution: { strategies: [headerStrategy(), pathStrategy()] } }),
      /header, path\. Add jwtClaimStrategy\(\) .* or access\.membership/,
    ],
    [
      'without strategies',
      () => bootWith({ resolution: { strategies: [] } }),
      /strategies names no strategy/,
    ],
    [
      'with a short secret',
      () => bootWith(jwtWith({ key: { secret: 'short' } })),
      /less than 32 bytes.*openssl/,
    ],
    ['without a secret', () => bootWith(jwtWith({ key: { secret: undefined } })), /secret is not set/],
    ['without an issuer', () => bootWith(jwtWith({ issuer: '' })), /issuer and an audience/],
    [
      'with a proxy that is no address',
      () => bootWith({ resolution: { ...EVERY_SOURCE.resolution, trustedProxies: ['proxy.internal'] } }),
      /trustedProxies: 'proxy\.internal'/,
    ],
    [
      'with everything excluded',
      () => bootWith({ resolution: { ...EVERY_SOURCE.resolution, excludePaths: ['/*'] } }),
      /excludePaths: '\/\*'/,
    ],
    [
      'with a cache of nothing',
      () => bootWith({ registry: { maxCacheEntries: 0 } }),
      /registry\.maxCacheEntries/,
    ],
  ])('%s', async (_title, start, message) => {
    const error: unknown = await start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TenancyConfigurationError);
    expect(isTenancyError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'TENANCY_CONFIGURATION', message: expect.stringMatching(message) });
  });
});
