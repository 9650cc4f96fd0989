import { Inject, Injectable, Logger, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { InjectDataSource, InjectEntityManager, InjectRepository } from '@nestjs/typeorm';
import {
  headerStrategy,
  TenancyConfigurationError,
  TenancyModule,
  TenantContext,
  TenantContextMissingError,
  TenantManager,
  TenantRegistry,
  type TenantRecord,
} from '@tenantry/core';
import { Column, DataSource, Entity, EntityManager, PrimaryColumn, Repository } from 'typeorm';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import { TenantDataSourceFactory } from '../../src/datasource/tenant-data-source.factory.js';
import { TenantryTypeOrmModule } from '../../src/module/tenantry-typeorm.module.js';
import type { TenantryTypeOrmOptions } from '../../src/module/tenantry-typeorm.options.js';
import { DatabaseUnavailableError } from '../../src/pool/tenant-pool.errors.js';
import { migrateCentral } from '../../src/provisioning/central-migrations.js';
import { CreateNotes1700000001000, Note } from '../datasource/notes.js';
import { World } from '../provisioning/world.js';

/** Everything that an application can have injected, in one plain singleton. */
@Injectable()
class Notes {
  constructor(
    @InjectRepository(Note) readonly repository: Repository<Note>,
    @InjectDataSource() readonly dataSource: DataSource,
    @InjectEntityManager() readonly manager: EntityManager,
    @Inject(TenantDataSourceFactory) readonly views: TenantDataSourceFactory,
  ) {}
}

@Module({
  imports: [TenantryTypeOrmModule.forFeature([Note])],
  providers: [Notes],
})
class NotesModule {}

const tenancy = TenancyModule.forRoot({
  resolution: { strategies: [headerStrategy()] },
  access: { kind: 'trusted-network' },
});

let world: World;
let options: TenantryTypeOrmOptions;
const applications: INestApplication[] = [];

beforeAll(async () => {
  world = await World.open();
  await world.setUp();
  await migrateCentral({ adminUrl: world.adminUrl, isolation: world.isolation });
  options = {
    url: world.urlOf(world.login),
    adminUrl: world.adminUrl,
    tenantMigrations: [CreateNotes1700000001000],
    isolation: world.isolation,
    poolSize: 3,
  };
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const application of applications.splice(0)) await application.close();
});

afterAll(async () => {
  const schemas = await world.sessions.query<{ schema_name: string }>(
    'SELECT schema_name FROM tenantry.tenants',
  );
  for (const { schema_name: schema } of schemas) world.role(schema);
  await world.close();
});

type Imports = NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>;

/** Starts an application and does not talk about failures. */
async function start(...imports: Imports): Promise<INestApplication> {
  const testing = await Test.createTestingModule({ imports: [tenancy, ...imports] })
    .setLogger(false as never)
    .compile();
  const application = testing.createNestApplication({ logger: false });
  applications.push(application);
  return application.init();
}

let made = 0;
function createTenant(application: INestApplication): Promise<TenantRecord> {
  made++;
  return application
    .get(TenantManager)
    .create({ slug: `shop-${made}`, name: `Shop ${made}`, tier: 'starter' });
}

describe('an application with TenantryTypeOrmModule.forRoot()', () => {
  it('has repositories, data source and manager that follow the tenant from a plain singleton', async () => {
    const application = await start(TenantryTypeOrmModule.forRoot(options), NotesModule);
    const notes = application.get(Notes);
    const tenants = [await createTenant(application), await createTenant(application)];
    const seen = await Promise.all(
      tenants.map((tenant) =>
        TenantContext.run(tenant, async () => {
          await notes.repository.insert({ id: 1, text: `note of ${tenant.slug}` });
          return [
            (await notes.repository.findOneByOrFail({ id: 1 })).text,
            (await notes.manager.findOneByOrFail(Note, { id: 1 })).text,
            (await notes.dataSource.query('SELECT text FROM note'))[0].text,
          ];
        }),
      ),
    );
    expect(seen).toEqual(tenants.map(({ slug }) => Array.from({ length: 3 }, () => `note of ${slug}`)));
    await expect(notes.repository.find()).rejects.toThrow(TenantContextMissingError);
    const view = notes.views.forTenant(tenants[1]!);
    await expect(view.getRepository(Note).find()).resolves.toMatchObject([
      { text: `note of ${tenants[1]!.slug}` },
    ]);
  });

  it('has the registry and the manager of tenants', async () => {
    const application = await start(TenantryTypeOrmModule.forRoot(options), NotesModule);
    const registry = application.get(TenantRegistry);
    const tenant = await createTenant(application);
    await expect(registry.lookup('slug', tenant.slug)).resolves.toMatchObject({
      id: tenant.id,
      status: 'active',
    });
    await application.get(TenantManager).suspend(tenant.id);
    await expect(registry.find(tenant.id)).resolves.toMatchObject({ status: 'suspended' });
  });

  it('closes every session when it shuts down', async () => {
    const application = await start(TenantryTypeOrmModule.forRoot(options), NotesModule);
    await createTenant(application);
    const names = ['tenantry', 'tenantry-admin', 'tenantry-registry'];
    for (const name of names) expect(await world.sessions.pidsOf(name)).not.toEqual([]);
    await applications.pop()!.close();
    for (const name of names) await expect(world.sessions.areGone(name)).resolves.toBe(true);
  });

  it('serves tenants, but says what it lacks to create one, without an adminUrl', async () => {
    const able = await start(TenantryTypeOrmModule.forRoot(options), NotesModule);
    const tenant = await createTenant(able);
    const { adminUrl: _, ...without } = options;
    const unable = await start(TenantryTypeOrmModule.forRoot(without), NotesModule);
    await expect(TenantContext.run(tenant, () => unable.get(Notes).repository.find())).resolves.toEqual([]);
    const creating = unable.get(TenantManager).create({ slug: 'lacking', name: 'Lacking', tier: 'starter' });
    await expect(creating).rejects.toThrow(TenancyConfigurationError);
    await expect(creating).rejects.toThrow(/adminUrl/);
    await expect(unable.get(TenantRegistry).lookup('slug', 'lacking')).resolves.toBeUndefined();
  });
});

describe('an application with TenantryTypeOrmModule.forRootAsync()', () => {
  it('asks for its options once', async () => {
    @Module({ providers: [{ provide: 'CONFIG', useFactory: async () => options }], exports: ['CONFIG'] })
    class ConfigModule {}
    const useFactory = jest.fn((config: TenantryTypeOrmOptions) => config);
    const application = await start(
      TenantryTypeOrmModule.forRootAsync({ imports: [ConfigModule], inject: ['CONFIG'], useFactory }),
      NotesModule,
    );
    expect(useFactory).toHaveBeenCalledTimes(1);
    const tenant = await createTenant(application);
    await expect(TenantContext.run(tenant, () => application.get(Notes).repository.count())).resolves.toBe(0);
  });
});

describe('two applications in one process', () => {
  it('have a data source each', async () => {
    const [one, two] = [
      await start(TenantryTypeOrmModule.forRoot(options), NotesModule),
      await start(TenantryTypeOrmModule.forRoot(options), NotesModule),
    ];
    const tenant = await createTenant(one);
    await applications.shift()!.close();
    expect(one.get(DataSource)).not.toBe(two.get(DataSource));
    await expect(TenantContext.run(tenant, () => two.get(Notes).repository.count())).resolves.toBe(0);
  });
});

@Entity({ name: 'pinned', schema: 'public' })
class Pinned {
  @PrimaryColumn('int')
  id!: number;
}

@Entity('without_key')
class WithoutKey {
  @Column('int')
  notAKey!: number;
}

/** What is wrong, and what the failure is like. */
const MISTAKES: readonly (readonly [string, () => Partial<TenantryTypeOrmOptions>, object])[] = [
  ['an option of TypeORM that is refused', () => ({ typeorm: { synchronize: true } }), configurationError()],
  ['no url', () => ({ url: undefined as never }), configurationError()],
  ['a poolSize of 0', () => ({ poolSize: 0 }), configurationError()],
  ['an entity of a schema of its own', () => ({ typeorm: { entities: [Pinned] } }), configurationError()],
  [
    'an entity that TypeORM refuses',
    () => ({ typeorm: { entities: [WithoutKey] } }),
    { name: 'MissingPrimaryColumnError' },
  ],
  ['a login that may do anything', () => ({ url: world.adminUrl }), { code: 'ISOLATION_BROKEN' }],
  ['a wrong password', () => ({ url: world.urlOf(world.login, 'wrong') }), unavailable('28P01')],
  ['a database that is not there', () => ({ url: `${options.url}_gone` }), unavailable('3D000')],
];

function configurationError(): object {
  return { code: 'TENANCY_CONFIGURATION' };
}

function unavailable(code: string): object {
  return { code: 'DATABASE_UNAVAILABLE', cause: { code } };
}

describe('an application that is put together wrongly', () => {
  it.each(MISTAKES)('fails at once, not after ten tries: %s', async (_, wrong, failure) => {
    const initialize = jest.spyOn(TenantDataSource.prototype, 'initialize');
    const starting = start(TenantryTypeOrmModule.forRoot({ ...options, ...wrong() }), NotesModule);
    await expect(starting).rejects.toMatchObject(failure);
    expect(initialize.mock.calls.length).toBeLessThanOrEqual(1);
    await expect(world.sessions.areGone('tenantry')).resolves.toBe(true);
  });

  it('waits for a server that is still starting', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const initialize = jest.spyOn(TenantDataSource.prototype, 'initialize');
    for (const code of ['ECONNREFUSED', '57P03']) {
      const cause = Object.assign(new Error('not yet'), { code });
      initialize.mockRejectedValueOnce(new DatabaseUnavailableError(cause));
    }
    const typeorm = { retryDelay: 0 } as object;
    const application = await start(TenantryTypeOrmModule.forRoot({ ...options, typeorm }), NotesModule);
    expect(initialize).toHaveBeenCalledTimes(3);
    expect(application.get(DataSource).isInitialized).toBe(true);
  });
});
