import type { Call } from './support/http-client.js';
import { acme, ADAPTERS, globex, startSampleApp, type SampleApp } from './support/sample-app.js';
import { operatorToken, tokenWith } from './support/tokens.js';

const MALFORMED = {
  statusCode: 400,
  error: 'Bad Request',
  message:
    'Name one tenant, by its UUID or by its slug: a-z, 0-9 and inner hyphens, at most 63 characters, no reserved word such as admin or public.',
  code: 'TENANT_ID_MALFORMED',
};

const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const BAD_TEXTS: readonly string[] = [
  'a, b',
  'a,b',
  '../',
  '..',
  '%2e%2e%2f',
  '%00',
  'acme%00',
  '*',
  '$user',
  'public',
  'pg_x',
  '__proto__',
  'constructor',
  'information_schema',
  "acme'",
  'acme"',
  "' OR 1=1 --",
  'acme;drop',
  'ACME',
  'a_b',
  '-a',
  'a'.repeat(64),
  `${acme.id}/..`,
  'tenant:acme',
  '{}',
  '[]',
  'acme globex',
  'acme\\x',
];
const UNICODE = ['café', 'cafe\u0301', '\u0430cme', '\uff41cme', '\u212aelvin', 'ac\u200dme', '\u202eacme'];

const headers = (...values: string[]): Call => ({
  headers: values.map((value) => ['X-Tenant-ID', value] as const),
});

const CASES: readonly (readonly [title: string, target: string, call?: Call])[] = [
  ...BAD_TEXTS.map((text) => [`the header ${text}`, '/whoami', headers(text)] as const),
  ...UNICODE.map((text) => [`the header ${text}`, '/whoami', headers(latin1(text))] as const),
  ['an empty header', '/whoami', headers('')],
  ['the header twice', '/whoami', headers('acme', 'acme')],
  [
    'the header twice, once in another case',
    '/whoami',
    {
      headers: [
        ['X-Tenant-ID', 'acme'],
        ['x-tenant-id', globex.slug],
      ],
    },
  ],
  ...[...BAD_TEXTS, ...UNICODE].flatMap((text) => {
    const encoded = encodeURIComponent(text);
    return [
      [`the query ${text}`, `/whoami?tenant_id=${encoded}`] as const,
      // Clients and routers take a segment of dots for a way up; as data it comes encoded.
      [`the path ${text}`, `/tenants/${encoded.replaceAll('.', '%2E')}/whoami`] as const,
    ];
  }),
  ['a query given twice', '/whoami?tenant_id=acme&tenant_id=acme'],
  ['a query as a list', '/whoami?tenant_id[]=acme'],
  ['a query as an encoded list', '/whoami?tenant_id%5B%5D=acme'],
  ['a query as an object', '/whoami?tenant_id[x]=acme'],
  ['a query in brackets', '/whoami?[tenant_id]=acme'],
  ['an empty query', '/whoami?tenant_id='],
  ['a NUL in the query', '/whoami?tenant_id=acme%00'],
  ['a query encoded twice', '/whoami?tenant_id=%2561cme'],
  ['a way up in the path', '/tenants/a%2f..%2fb/whoami'],
  ['a path encoded twice', '/tenants/%252e%252e/whoami'],
  ['a path parameter', '/tenants/acme;x=1/whoami'],
  ['a fragment in the target', '/whoami?tenant_id=acme#&tenant_id=globex'],
];

describe.each(ADAPTERS)('on %s', (_, makeAdapter) => {
  let app: SampleApp;
  beforeAll(async () => {
    app = await startSampleApp(makeAdapter());
  });
  afterAll(() => app.nest.close());

  it.each(CASES.map(([title, target, how = {}]) => [title, target, how] as const))(
    '%s is malformed, and nobody looks it up',
    async (_title, target, how) => {
      for (const token of [tokenWith({ tenant_id: acme.id }), undefined]) {
        const answer = await app.call(target, { ...how, token });
        expect(answer).toMatchObject({ status: 400, body: MALFORMED });
      }
      expect(app.store.asked).toEqual([]);
    },
  );

  it('is so for operators as well', async () => {
    const answer = await app.call('/central?tenant_id=a,b', { token: operatorToken() });
    expect(answer).toMatchObject({ status: 400, body: MALFORMED });
  });

  it('is no matter to public routes', async () => {
    await expect(app.call('/public?tenant_id=a,b', headers('..'))).resolves.toMatchObject({ status: 200 });
  });

  it('a segment that is no encoding at all is a 400 of the router, in the same shape', async () => {
    const answer = await app.call('/tenants/%zz/whoami', { token: tokenWith({ tenant_id: acme.id }) });
    expect(answer).toMatchObject({
      status: 400,
      body: { statusCode: 400, error: 'Bad Request', message: expect.any(String), code: expect.any(String) },
    });
    expect(app.store.asked).toEqual([]);
  });

  it('a malformed name is not written to the log', async () => {
    app.log.length = 0;
    await app.call('/whoami', headers('evil<script>'));
    expect(app.log).toEqual([expect.stringMatching(/^TENANT_ID_MALFORMED: .*header/)]);
    expect(app.log.join('')).not.toContain('script');
  });
});
