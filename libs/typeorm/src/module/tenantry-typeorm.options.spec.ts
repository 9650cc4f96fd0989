import { TenancyConfigurationError } from '@tenantry/core';
import {
  adminDataSourceOptions,
  resolveTenantryTypeOrmOptions,
  runtimeDataSourceOptions,
} from './tenantry-typeorm.options.js';

const url = 'postgres://app:secret@db.test:5432/shop';
const adminUrl = 'postgres://admin:hidden@db.test:5432/shop';

describe('resolveTenantryTypeOrmOptions', () => {
  it('opens ten connections at level role unless told otherwise', () => {
    expect(resolveTenantryTypeOrmOptions({ url })).toMatchObject({
      poolSize: 10,
      isolation: { level: 'role' },
    });
  });

  it.each([0, -1, 1.5, NaN, '10' as never])('refuses a poolSize of %j', (poolSize) => {
    expect(() => resolveTenantryTypeOrmOptions({ url, poolSize })).toThrow(/poolSize .* at least 1/);
  });

  it.each([
    undefined as never,
    '',
    'db.test',
    'db.test:5432/shop',
    'mysql://app:secret@db.test/shop',
    'postgres://db.test/shop',
  ])('refuses the url %j, and repeats none of it', (bad) => {
    expect(() => resolveTenantryTypeOrmOptions({ url: bad })).toThrow(TenancyConfigurationError);
    expect(() => resolveTenantryTypeOrmOptions({ url: bad })).toThrow(/^url must be/);
    expect(() => resolveTenantryTypeOrmOptions({ url: bad })).not.toThrow(/secret/);
  });

  it('refuses a bad adminUrl by its name', () => {
    expect(() => resolveTenantryTypeOrmOptions({ url, adminUrl: 'nowhere' })).toThrow(/^adminUrl must be/);
  });
});

describe('runtimeDataSourceOptions', () => {
  it("passes TypeORM's own options on, but for the connection", () => {
    const typeorm = { logging: true, url: 'postgres://other:x@other.test/other' } as object;
    const options = runtimeDataSourceOptions(resolveTenantryTypeOrmOptions({ url, poolSize: 3, typeorm }));
    expect(options).toMatchObject({
      type: 'postgres',
      url,
      poolSize: 3,
      logging: true,
      applicationName: 'tenantry',
    });
  });
});

describe('adminDataSourceOptions', () => {
  it('has the migrations of tenants, few connections, and nothing that runs application code', () => {
    const CreateThings = 'dist/migrations/*.js';
    const typeorm = {
      subscribers: ['dist/subscribers/*.js'],
      cache: { type: 'redis' },
      migrationsTableName: 'history',
    } as object;
    const resolved = resolveTenantryTypeOrmOptions({
      url,
      adminUrl,
      typeorm,
      tenantMigrations: [CreateThings],
    });
    expect(adminDataSourceOptions(resolved, adminUrl)).toMatchObject({
      url: adminUrl,
      migrations: [CreateThings],
      poolSize: 2,
      entities: [],
      subscribers: [],
      cache: false,
      migrationsTableName: 'history',
    });
  });
});
