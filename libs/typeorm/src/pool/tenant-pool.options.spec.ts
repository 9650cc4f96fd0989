import { TenancyConfigurationError } from '@tenantry/core';
import { resolveTenantPoolOptions } from './tenant-pool.options.js';

describe('resolveTenantPoolOptions', () => {
  it('waits five seconds, ends a connection after 250 schemas and sets start-up parameters by default', () => {
    const defaults = {
      acquireTimeoutMs: 5_000,
      maxSchemasPerConnection: 250,
      pooler: 'none',
      cancelOnAbort: true,
    };
    expect(resolveTenantPoolOptions()).toMatchObject(defaults);
    expect(resolveTenantPoolOptions({ acquireTimeoutMs: undefined } as object)).toEqual(
      resolveTenantPoolOptions(),
    );
  });

  it('takes what is given, and freezes it', () => {
    const options = resolveTenantPoolOptions({ maxSchemasPerConnection: 1, pooler: 'transaction' });
    expect(options).toMatchObject({ maxSchemasPerConnection: 1, pooler: 'transaction' });
    expect(Object.isFrozen(options)).toBe(true);
  });

  it.each([
    { acquireTimeoutMs: 0 },
    { acquireTimeoutMs: 1.5 },
    { acquireTimeoutMs: NaN },
    { acquireTimeoutMs: Infinity },
    { maxSchemasPerConnection: 0 },
    { maxSchemasPerConnection: -1 },
    { maxSchemasPerConnection: '9' as never },
  ])('refuses %j and names the option', (input) => {
    expect(() => resolveTenantPoolOptions(input)).toThrow(TenancyConfigurationError);
    expect(() => resolveTenantPoolOptions(input)).toThrow(`pool.${Object.keys(input)[0]}`);
  });
});
