import fc from 'fast-check';
import { canonicalHost, isReservedSlug, isTenantId, isTenantSlug, parseTenantKey } from './tenant-key.js';
import { TenantKeyMalformedError } from './tenant-key.errors.js';

const ID = '0190a2b4-5c6d-7e8f-9a0b-c1d2e3f40516';
const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Texts that no tenant has, each with what it would be if something cleaned it up. */
const MALFORMED: readonly [string, unknown][] = [
  ['nothing', ''],
  ['a blank', ' '],
  ['a list in one text', 'a, b'],
  ['a list without a blank', 'a,b'],
  ['blanks around', ' acme '],
  ['a line end', 'acme\n'],
  ['a way up', '../'],
  ['dots', '..'],
  ['an encoded way up', '%2e%2e%2f'],
  ['an encoded dot', '%2e'],
  ['a NUL', 'acme\0'],
  ['an encoded NUL', 'acme%00'],
  ['a slash', 'acme/globex'],
  ['a backslash', 'acme\\globex'],
  ['a single quote', "acme'"],
  ['a double quote', 'acme"'],
  ['a semicolon', 'acme;'],
  ['a star', '*'],
  ['a colon', 'tenant:acme'],
  ['a path variable', '$user'],
  ['another case', 'ACME'],
  ['an outer hyphen', '-acme'],
  ['a trailing hyphen', 'acme-'],
  ['an underscore', 'acme_1'],
  ['64 bytes', 'a'.repeat(64)],
  ['a schema of everybody', 'public'],
  ['a schema of PostgreSQL', 'pg_x'],
  ['a catalog', 'information_schema'],
  ['a prototype', '__proto__'],
  ['a constructor', 'constructor'],
  ['é composed (NFC)', 'caf\u00e9'],
  ['é decomposed (NFD)', 'cafe\u0301'],
  ['a Cyrillic а', '\u0430cme'],
  ['full-width letters', '\uff41cme'],
  ['a Kelvin sign', '\u212aelvin'],
  ['a zero-width joiner', 'ac\u200dme'],
  ['right-to-left', '\u202eemca'],
  ['an Arabic digit', 'acme\u0661'],
  ['half of a pair', 'acme\ud83d'],
  ['a UUID in braces', `{${ID}}`],
  ['a list', ['acme']],
  ['two', ['a', 'b']],
  ['an object', { acme: 1 }],
  ['an object that says a slug', { toString: () => 'acme' }],
  ['a number', 0],
  ['null', null],
  ['undefined', undefined],
  ['a boolean', true],
];

describe('parseTenantKey', () => {
  it('takes a UUID in any case, as the one in lower case', () => {
    expect(parseTenantKey(ID.toUpperCase(), 'header')).toEqual({ by: 'id', value: ID });
  });

  it.each(['a', '7', 'acme', 'acme-2', 'a--b', 'xn--mnchen-3ya', 'a'.repeat(63)])(
    'takes the slug %j',
    (slug) => {
      expect(parseTenantKey(slug, 'header')).toEqual({ by: 'slug', value: slug });
    },
  );

  it.each(MALFORMED)('refuses %s', (_, value) => {
    expect(() => parseTenantKey(value, 'header')).toThrow(TenantKeyMalformedError);
  });

  it('does not repeat the refused text, but says where it was', () => {
    const error = new TenantKeyMalformedError('header');
    expect(error).toMatchObject({ code: 'TENANT_ID_MALFORMED', kind: 'invalid', source: 'header' });
    expect(() => parseTenantKey('<script>', 'header')).toThrow(
      expect.objectContaining({ message: error.message, publicMessage: error.publicMessage }),
    );
  });

  it('returns nothing outside of the grammar, whatever it is given', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[a-z0-9-]{0,70}$/),
      fc.uuid().map((id) => id.toUpperCase()),
      fc.constantFrom(...MALFORMED.map(([, value]) => value)),
    );
    fc.assert(
      fc.property(anything, (value) => {
        try {
          const key = parseTenantKey(value, 'x');
          const grammar = key.by === 'id' ? isTenantId(key.value) : SLUG.test(key.value);
          return grammar && String(value).toLowerCase() === key.value && !isReservedSlug(key.value);
        } catch (error) {
          return error instanceof TenantKeyMalformedError;
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('reads what it returned as the same again', () => {
    const keys = fc.oneof(fc.uuid(), fc.stringMatching(SLUG).filter(isTenantSlug));
    fc.assert(
      fc.property(keys, (text) => {
        const key = parseTenantKey(text, 'x');
        expect(parseTenantKey(key.value, 'x')).toEqual(key);
      }),
    );
  });
});

it('no slug reads as an id', () => {
  expect(isTenantSlug(ID)).toBe(false);
  fc.assert(fc.property(fc.uuid(), (id) => isTenantId(id) && !isTenantSlug(id)));
});

describe('canonicalHost', () => {
  it.each([
    ['acme.example.com', 'acme.example.com'],
    ['ACME.Example.COM', 'acme.example.com'],
    ['acme.example.com.', 'acme.example.com'],
    ['acme.example.com:8080', 'acme.example.com'],
    ['Acme.Example.com.:80', 'acme.example.com'],
    ['localhost:3000', 'localhost'],
    ['münchen.example.com', 'xn--mnchen-3ya.example.com'],
    ['xn--mnchen-3ya.example.com', 'xn--mnchen-3ya.example.com'],
    ['127.0.0.1:3000', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['[::1]:3000', '[::1]'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
  ])('%j is %j', (host, canonical) => {
    expect(canonicalHost(host)).toBe(canonical);
  });

  it.each([
    '',
    '.',
    'acme..example.com',
    '.example.com',
    'acme.example.com..',
    'user@acme.example.com',
    'user:secret@acme.example.com',
    'acme.example.com:',
    'acme.example.com:http',
    'acme.example.com:80:80',
    'acme.example.com, globex.example.com',
    'acme.example.com,globex.example.com',
    'acme example.com',
    'acme.example.com/path',
    'acme.example.com?x',
    'acme.example.com#x',
    'acme\\example.com',
    'ac%6De.example.com',
    'ac_me.example.com',
    '-acme.example.com',
    'acme.example.com\0',
    '::1',
    '[::1',
    '[::1]evil.com',
    '[acme]',
    'http://acme.example.com',
    `${'a'.repeat(64)}.example.com`,
    Array.from({ length: 50 }, () => 'abcde').join('.'),
  ])('%j is no host', (host) => {
    expect(canonicalHost(host)).toBeUndefined();
  });

  it('has one form: what it returns is its own canonical form', () => {
    const hosts = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(hosts, fc.constantFrom('', '.', ':80'), (host, end) => {
        const canonical = canonicalHost(`${host}${end}`);
        expect(canonical === undefined || canonicalHost(canonical) === canonical).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
