import fc from 'fast-check';
import { isSchemaName, TenancyConfigurationError } from '@tenantry/core';
import { createBinding, searchPathOf, UNBOUND_SEARCH_PATH } from './binding.js';

const REFUSED = [
  '',
  'public',
  'pg_x',
  'pg_catalog',
  'information_schema',
  'none',
  UNBOUND_SEARCH_PATH,
  '$user',
  '"$user"',
  'a"b',
  "a'b",
  'a, b',
  'a b',
  'a;b',
  'A',
  '1a',
  'a-b',
  'a\0',
  'a\n',
  'é',
  'tеnant', // a Cyrillic е
  'a'.repeat(64),
];

describe('createBinding', () => {
  it('puts the schema first, then the extension schemas, and pg_temp last', () => {
    expect(createBinding('acme', 'acme', ['ext', 'gis'])).toEqual({
      schema: 'acme',
      role: 'acme',
      searchPath: '"acme", "ext", "gis", pg_temp',
    });
    expect(createBinding('acme', undefined, [])).toMatchObject({
      searchPath: '"acme", pg_temp',
      role: undefined,
    });
  });

  it('is frozen, since it is shared by all who use the schema', () => {
    expect(Object.isFrozen(createBinding('acme', 'acme', []))).toBe(true);
  });

  it.each(REFUSED)('refuses %j as schema, as role and as extension schema', (name) => {
    expect(() => createBinding(name, undefined, [])).toThrow(TenancyConfigurationError);
    expect(() => createBinding('acme', name, [])).toThrow(TenancyConfigurationError);
    expect(() => createBinding('acme', 'acme', [name])).toThrow(TenancyConfigurationError);
  });

  it('takes 63 bytes', () => {
    expect(createBinding('a'.repeat(63), undefined, []).schema).toHaveLength(63);
  });

  it('takes schema names and nothing else', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[a-z0-9_"$ ]{0,70}$/),
      fc.stringMatching(/^[a-z_][a-z0-9_]{0,62}$/),
      fc.constantFrom(...REFUSED),
    );
    fc.assert(
      fc.property(names, (name) => {
        const usable = isSchemaName(name) && name !== UNBOUND_SEARCH_PATH;
        try {
          const { searchPath } = createBinding(name, undefined, []);
          // What PostgreSQL reads: one quoted identifier without a quote in it.
          return usable && /^"[a-z0-9_]+", pg_temp$/.test(searchPath);
        } catch (error) {
          return !usable && error instanceof TenancyConfigurationError;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('searchPathOf', () => {
  it('never names public', () => {
    expect(searchPathOf('acme', [])).not.toMatch(/public/);
  });
});
