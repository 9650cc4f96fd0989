import { nodeRequestLike } from '../../test/support/request.js';
import { TenantKeyMalformedError } from '../registry/tenant-key.errors.js';
import { nodeRequest, toResolutionRequest, withClaims, type HttpRequestLike } from './resolution-request.js';
import { trustedProxyTest } from './trusted-proxies.js';

const isTrusted = trustedProxyTest(['10.0.0.0/8']);
const read = (parts: Parameters<typeof nodeRequestLike>[0]) =>
  toResolutionRequest(nodeRequestLike(parts), isTrusted);

const HOST = ['Host', 'Acme.Example.com:80'] as const;
const hostOf = (parts: Parameters<typeof nodeRequestLike>[0]) => () => read(parts).host;
const forwarded = (...values: string[]) => [
  HOST,
  ...values.map((value) => ['X-Forwarded-Host', value] as const),
];

describe('the target of a request', () => {
  it.each([
    ['/a/b', '/a/b', ''],
    ['/a?x=1', '/a', 'x=1'],
    ['/a?x=1?y', '/a', 'x=1%3Fy'],
    ['/%2e%2e/a', '/%2e%2e/a', ''],
    ['//a', '//a', ''],
    ['http://example.com/a?x=1', '/a', 'x=1'],
    ['HTTPS://[::1]:8080/a', '/a', ''],
  ])('%j has the path %j and the query %j', (url, path, query) => {
    const request = read({ url });
    expect([request.path, request.query.toString()]).toEqual([path, query]);
  });

  it.each([
    ['a fragment', '/a#/b'],
    ['a fragment with a query', '/a#?tenant_id=b'],
    ['a backslash', '/a\\b'],
    ['an authority that ends early', 'http://example.com?x/a'],
    ['an authority without a path', 'http://example.com'],
    ['an authority that is no host', 'http://a*b/c'],
    ['a user', 'http://user@example.com/a'],
    ['another scheme', 'file:///a'],
    ['a star', '*'],
    ['no leading slash', 'a/b'],
    ['nothing', ''],
  ])('with %s is refused, because routers would not agree on its path', (_, url) => {
    expect(() => read({ url })).toThrow(TenantKeyMalformedError);
  });

  it('is the one before a router cut its prefix off', () => {
    const request = { ...nodeRequestLike({ url: '/b' }), originalUrl: '/a/b?x=1' };
    expect(toResolutionRequest(request, isTrusted).path).toBe('/a/b');
  });
});

describe('headers of a request', () => {
  it('come as sent, never joined, whatever the case of their names', () => {
    const request = read({
      headers: [
        ['x-tenant-id', 'a'],
        ['Other', 'x'],
        ['X-TENANT-ID', 'b'],
      ],
    });
    expect(request.header('X-Tenant-Id')).toEqual(['a', 'b']);
    expect(request.header('absent')).toEqual([]);
  });

  it('come from the parsed ones where there are no raw ones', () => {
    const request = toResolutionRequest(
      { url: '/', headers: { 'x-a': 'a', 'set-cookie': ['b', 'c'] } },
      isTrusted,
    );
    expect([request.header('X-A'), request.header('Set-Cookie'), request.header('x-b')]).toEqual([
      ['a'],
      ['b', 'c'],
      [],
    ]);
  });
});

describe('the host of a request', () => {
  it('is canonical', () => {
    expect(hostOf({ headers: [HOST] })()).toBe('acme.example.com');
    expect(hostOf({})()).toBeUndefined();
  });

  it.each([
    ['twice', [HOST, HOST]],
    ['as two different ones', [HOST, ['Host', 'globex.example.com']]],
    ['with userinfo', [['Host', 'user@acme.example.com']]],
    ['as a list', [['Host', 'acme.example.com, globex.example.com']]],
    ['empty', [['Host', '']]],
    ['beside another :authority of HTTP/2', [HOST, [':authority', 'globex.example.com']]],
  ] as const)('is refused when it is sent %s', (_, headers) => {
    expect(hostOf({ headers })).toThrow(TenantKeyMalformedError);
  });

  it('is the authority of an absolute target, which must agree with the header', () => {
    const url = 'http://acme.example.com/a';
    expect(hostOf({ url })()).toBe('acme.example.com');
    expect(hostOf({ url, headers: [HOST] })()).toBe('acme.example.com');
    expect(hostOf({ url, headers: [['Host', 'globex.example.com']] })).toThrow(TenantKeyMalformedError);
  });

  it('is the :authority of HTTP/2', () => {
    expect(hostOf({ headers: [[':authority', 'acme.example.com']] })()).toBe('acme.example.com');
  });

  describe('behind a proxy', () => {
    it.each(['203.0.113.9', '::1', '11.0.0.1', ''])(
      'ignores X-Forwarded-Host of the untrusted peer %j',
      (peer) => {
        expect(hostOf({ headers: forwarded('globex.example.com'), peer })()).toBe('acme.example.com');
      },
    );

    it.each(['10.1.2.3', '::ffff:10.1.2.3'])('believes X-Forwarded-Host of the trusted peer %j', (peer) => {
      expect(hostOf({ headers: forwarded('Globex.example.com'), peer })()).toBe('globex.example.com');
      expect(hostOf({ headers: [HOST], peer })()).toBe('acme.example.com');
    });

    it.each([
      [['globex.example.com, acme.example.com']],
      [['globex.example.com', 'acme.example.com']],
      [['globex.example.com', 'globex.example.com']],
      [['']],
    ])('refuses the X-Forwarded-Host %j of a trusted peer', (values) => {
      expect(hostOf({ headers: forwarded(...values), peer: '10.1.2.3' })).toThrow(TenantKeyMalformedError);
    });

    it('never reads Forwarded', () => {
      const headers = [HOST, ['Forwarded', 'host=globex.example.com']] as const;
      expect(hostOf({ headers, peer: '10.1.2.3' })()).toBe('acme.example.com');
    });
  });
});

it('a verified claim adds to a request and changes nothing else of it', () => {
  const request = read({ url: '/a', headers: [['Host', 'acme.example.com']] });
  const verified = withClaims(request, { tenant_id: 'acme' });
  expect([verified.path, verified.host, verified.claims]).toEqual([
    '/a',
    'acme.example.com',
    { tenant_id: 'acme' },
  ]);
  expect(request.claims).toBeUndefined();
});

it('the request under a wrapper of Fastify is found, and a raw body of Express is not taken for one', () => {
  const raw = nodeRequestLike();
  expect(nodeRequest({ headers: {}, raw })).toBe(raw);
  const withRawBody = { headers: {}, raw: Buffer.from('{}') } as unknown as HttpRequestLike;
  expect(nodeRequest(withRawBody)).toBe(withRawBody);
});
