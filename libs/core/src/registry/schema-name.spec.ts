import fc from 'fast-check';
import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { isSchemaName, schemaNameFor } from './schema-name.js';

describe('schemaNameFor', () => {
  it('is the id with a prefix, and underscores for hyphens', () => {
    expect(schemaNameFor('0190a2b4-5c6d-7e8f-9a0b-c1d2e3f40516')).toBe(
      'tenant_0190a2b4_5c6d_7e8f_9a0b_c1d2e3f40516',
    );
  });

  it('gives every id its own name, which PostgreSQL neither cuts off nor folds', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (one, two) => {
        const name = schemaNameFor(one);
        expect(isSchemaName(name)).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        expect(name).toBe(name.toLowerCase());
        expect(name.slice('tenant_'.length).replaceAll('_', '-')).toBe(one);
        expect(name === schemaNameFor(two)).toBe(one === two);
      }),
    );
  });

  it.each(['', 'acme', 'a-b', '0190A2B4-5C6D-7E8F-9A0B-C1D2E3F40516', 'public; DROP SCHEMA x'])(
    'makes no name of %j',
    (id) => {
      expect(() => schemaNameFor(id)).toThrow(TenancyConfigurationError);
    },
  );

  it('makes a name of nothing but UUIDs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (id) =>
        expect(() => schemaNameFor(id)).toThrow(TenancyConfigurationError),
      ),
    );
  });
});

describe('isSchemaName', () => {
  it.each(['tenantry', 'tenant_1', '_x', 'a'.repeat(63)])('takes %j', (name) => {
    expect(isSchemaName(name)).toBe(true);
  });

  it.each([
    '',
    'public',
    'pg_catalog',
    'pg_temp',
    'pg_toast',
    'information_schema',
    'none',
    '$user',
    '"$user"',
    'Tenant',
    'tenant-1',
    'a b',
    'a,b',
    'a"b',
    "a'b",
    'a\0',
    '1a',
    'ä',
    'x\n',
    'a'.repeat(64),
  ])('refuses %j', (name) => {
    expect(isSchemaName(name)).toBe(false);
  });
});
