import {
  Global,
  Module,
  type DynamicModule,
  type INestApplication,
  type LoggerService,
  type Provider,
  type Type,
} from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  customDomainStrategy,
  headerStrategy,
  jwtClaimStrategy,
  pathStrategy,
  queryStrategy,
  subdomainStrategy,
  TENANT_STORE,
  TenancyModule,
  type TenancyModuleOptions,
  type TenantStore,
} from '@tenantry/core';
import { tenantRecord } from '@tenantry/core/testing';
import { call, type Answer, type Call } from './http-client.js';
import { RecordingStore } from './recording-store.js';
import { SampleController, SampleTenantsController } from './sample.controller.js';
import { JWT } from './tokens.js';

export const ADAPTERS: readonly [name: string, make: () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

export const acme = tenantRecord({ slug: 'acme', domains: ['acme.test'] });
export const globex = tenantRecord({ slug: 'globex', domains: ['globex.test'] });

/** Everything a request can name its tenant with, and a claim that proves it. */
export const EVERY_SOURCE: TenancyModuleOptions = {
  resolution: {
    strategies: [
      headerStrategy(),
      queryStrategy(),
      pathStrategy(),
      subdomainStrategy({ baseDomains: ['platform.test'] }),
      customDomainStrategy({ ownHosts: ['platform.test'] }),
      jwtClaimStrategy(),
    ],
    excludePaths: ['/excluded', '/docs/*'],
  },
  access: { kind: 'jwt', jwt: JWT },
};

/** A module that provides the store to the whole application, as a database package would. */
@Global()
@Module({})
export class StoreModule {
  static with(store: TenantStore): DynamicModule {
    return {
      module: StoreModule,
      providers: [{ provide: TENANT_STORE, useValue: store }],
      exports: [TENANT_STORE],
    };
  }
}

@Module({})
class SampleModule {}

export interface SampleApp {
  readonly store: RecordingStore;
  /** Lines of warnings and errors, in order. */
  readonly log: string[];
  readonly nest: INestApplication;
  readonly call: (target: string, options?: Call) => Promise<Answer>;
  readonly port: number;
}

export interface SampleAppOptions {
  readonly tenancy?: TenancyModuleOptions | DynamicModule;
  readonly controllers?: readonly Type[];
  /** Of the root module, which Nest looks at before all others. */
  readonly providers?: readonly Provider[];
  /** Modules that come after TenancyModule. */
  readonly features?: readonly DynamicModule[];
  /** Called before the application starts to listen. */
  readonly configure?: (nest: INestApplication) => void;
}

/** A sample application that listens on a free port. */
export async function startSampleApp(
  adapter: AbstractHttpAdapter,
  options: SampleAppOptions = {},
): Promise<SampleApp> {
  const {
    tenancy = EVERY_SOURCE,
    controllers = [SampleController, SampleTenantsController],
    features = [],
  } = options;
  const store = new RecordingStore(acme, globex);
  const log: string[] = [];
  const nest = await NestFactory.create(
    {
      module: SampleModule,
      imports: [
        StoreModule.with(store),
        'module' in tenancy ? tenancy : TenancyModule.forRoot(tenancy),
        ...features,
      ],
      controllers: [...controllers],
      providers: [...(options.providers ?? [])],
    },
    adapter,
    { abortOnError: false, logger: keepingLogger(log) },
  );
  options.configure?.(nest);
  await nest.listen(0, '127.0.0.1');
  const { port } = nest.getHttpServer().address();
  return { store, log, nest, port, call: (target, how) => call(port, target, how) };
}

function keepingLogger(lines: string[]): LoggerService {
  const keep = (message: unknown) => void lines.push(String(message));
  return { log: () => {}, warn: keep, error: keep, fatal: keep };
}
