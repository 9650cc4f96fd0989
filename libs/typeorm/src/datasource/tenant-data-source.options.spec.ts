import { TenancyConfigurationError } from '@tenantry/core';
import { refuseUnsafeOptions, resolveTenantDataSourceOptions } from './tenant-data-source.options.js';

describe('resolveTenantDataSourceOptions', () => {
  it('isolates by role, without extension schemas, unless told otherwise', () => {
    const defaults = {
      level: 'role',
      centralSchema: 'tenantry',
      centralRole: 'tenantry_central',
      extensionSchemas: [],
      maxViews: 2_000,
    };
    expect(resolveTenantDataSourceOptions().isolation).toEqual(defaults);
    expect(resolveTenantDataSourceOptions({ isolation: { level: undefined } } as object).isolation).toEqual(
      defaults,
    );
  });

  it('names the central role after the central schema', () => {
    expect(
      resolveTenantDataSourceOptions({ isolation: { centralSchema: 'hub' } }).isolation.centralRole,
    ).toBe('hub_central');
  });

  it('copies the list of extension schemas and freezes everything', () => {
    const extensionSchemas = ['ext'];
    const { isolation } = resolveTenantDataSourceOptions({ isolation: { extensionSchemas } });
    extensionSchemas.push('public');
    expect(isolation.extensionSchemas).toEqual(['ext']);
    expect([isolation, isolation.extensionSchemas].every((part) => Object.isFrozen(part))).toBe(true);
  });

  it.each([
    [{ level: 'rolle' as never }, 'isolation.level'],
    [{ level: '' as never }, 'isolation.level'],
    [{ level: null as never }, 'isolation.level'],
    [{ centralSchema: 'public' }, '"public"'],
    [{ centralSchema: 'tenantry_unbound' }, '"tenantry_unbound"'],
    [{ centralSchema: 'a'.repeat(56), centralRole: 'a' }, '55'],
    [{ centralRole: 'Central' }, '"Central"'],
    [{ extensionSchemas: ['public'] }, '"public"'],
    [{ extensionSchemas: ['ext', 'a"b'] }, 'name for a schema'],
    [{ extensionSchemas: ['tenantry'] }, 'central schema'],
    [{ maxViews: 0 }, 'isolation.maxViews'],
    [{ maxViews: 2.5 }, 'isolation.maxViews'],
  ])('refuses %j', (isolation, message) => {
    expect(() => resolveTenantDataSourceOptions({ isolation })).toThrow(TenancyConfigurationError);
    expect(() => resolveTenantDataSourceOptions({ isolation })).toThrow(message);
  });
});

describe('refuseUnsafeOptions', () => {
  it.each([
    ['schema', 'acme', 'the tenant in force'],
    ['synchronize', true, 'use migrations'],
    ['dropSchema', true, 'drop the tenant'],
    ['migrationsRun', true, 'per tenant'],
    ['driver', {}, 'its own pool'],
    ['nativeDriver', {}, 'pg-native'],
    ['replication', { master: {}, slaves: [] }, 'read replicas'],
    ['logNotifications', true, 'every tenant'],
  ])("refuses TypeORM's option %s and says why", (name, value, reason) => {
    const refuse = (): void => refuseUnsafeOptions({ type: 'postgres', [name]: value });
    expect(refuse).toThrow(TenancyConfigurationError);
    expect(refuse).toThrow(new RegExp(`'${name}'.*${reason}`));
  });

  it.each([{ synchronize: false }, { dropSchema: false }, { migrationsRun: false }, { schema: '' }])(
    'lets %j pass, which asks for nothing',
    (options) => {
      expect(() => refuseUnsafeOptions({ type: 'postgres', ...options })).not.toThrow();
    },
  );

  it.each([true, {}, { type: 'database' }, { duration: 10 }] as never[])(
    'refuses the cache %j, whose table all tenants would share',
    (cache) => {
      expect(() => refuseUnsafeOptions({ type: 'postgres', cache })).toThrow(/cache.provider or Redis/);
    },
  );

  it.each([false, { type: 'redis' }, { provider: () => ({}) }] as never[])(
    'lets the cache %j pass',
    (cache) => {
      expect(() => refuseUnsafeOptions({ type: 'postgres', cache })).not.toThrow();
    },
  );
});
