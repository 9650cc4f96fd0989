import { createTestDatabase } from '@tenantry/dev-servers/testing';
import pg from 'pg';
import { expectError, type Api } from './support/api.js';
import { openPlatform, type TestPlatform } from './support/platform.js';

const ROUTES = [
  'POST /auth/token',
  'GET /me',
  'POST /admin/tenants',
  'GET /admin/tenants',
  'GET /admin/tenants/{id}',
  'PATCH /admin/tenants/{id}',
  'POST /admin/tenants/{id}/suspend',
  'POST /admin/tenants/{id}/resume',
  'POST /marketing/campaigns',
  'GET /marketing/campaigns',
  'GET /marketing/campaigns/{id}',
  'PATCH /marketing/campaigns/{id}',
  'DELETE /marketing/campaigns/{id}',
  'GET /health/live',
  'GET /health/ready',
];

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } };
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly security?: readonly object[];
}

describe.each(['express', 'fastify'] as const)('what is the same for all routes, on %s', (adapter) => {
  let platform: TestPlatform;
  let api: Api;

  beforeAll(async () => {
    platform = await openPlatform(adapter);
    ({ api } = platform);
  });
  afterAll(() => platform.close());

  it('is the shape of errors that no handler made', async () => {
    const token = platform.tokens.acme;
    expectError(await api.call('/nowhere'), 404, 'NOT_FOUND');
    expectError(await api.call('/me', { method: 'PUT', token }), 404, 'NOT_FOUND');
    expectError(await api.call('/auth/token', { body: '{"email":' }), 400, 'BAD_REQUEST');
    expectError(await api.call('/auth/token', { body: 'x'.repeat(300_000) }), 413, 'PAYLOAD_TOO_LARGE');
    expectError(await api.call('/auth/token', { method: 'POST' }), 400, 'VALIDATION_FAILED');
    expectError(await api.call('/auth/token', { body: [] }), 400, 'VALIDATION_FAILED');
    expectError(await api.call('/marketing/campaigns/%E0%A4%A', { token }), 400, 'BAD_REQUEST');
    expectError(
      await api.call('/me', { token, headers: { 'x-tenant-id': 'not/a/tenant' } }),
      400,
      'TENANT_ID_MALFORMED',
    );
  });

  it('is that properties of prototypes are no input', async () => {
    const body = '{"__proto__":{"isOperator":true},"email":"owner@acme.test","password":"x"}';
    const { status } = await api.call('/auth/token', { body });
    expect([400, 401]).toContain(status);
    expect({}).not.toHaveProperty('isOperator');
  });

  it('is what answers say of themselves', async () => {
    const { headers } = await api.call('/health/live');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('is that they answer with a slash at the end as well', async () => {
    for (const path of ['/health/live/', '/docs/']) expect((await api.call(path)).status).toBe(200);
  });

  it('is documented: every route, with the schemas it checks', async () => {
    const { body: document } = await api.call('/docs-json');
    const paths = document.paths as Record<string, Record<string, Operation>>;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
      ),
    );
    expect(operations.map(([name]) => name).toSorted()).toEqual(ROUTES.toSorted());
    for (const [name, { responses, requestBody, parameters, security }] of operations) {
      const ok = Object.keys(responses).find((status) => status.startsWith('2'));
      expect([name, ok]).toEqual([name, expect.stringMatching(/^20[0-4]$/)]);
      const hasAnswer = ok === '204' || responses[ok!]?.content !== undefined;
      const hasBody = !/^(POST|PATCH) (?!.*(suspend|resume))/.test(name) || requestBody !== undefined;
      const hasId = !name.includes('{id}') || parameters.some((parameter) => parameter.name === 'id');
      const isProtected = /health|auth/.test(name) || security !== undefined;
      expect({ name, hasAnswer, hasBody, hasId, isProtected }).toEqual({
        name,
        hasAnswer: true,
        hasBody: true,
        hasId: true,
        isProtected: true,
      });
    }
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining([
        'Credentials',
        'AccessToken',
        'Me',
        'NewTenant',
        'Tenant',
        'TenantList',
        'NewCampaign',
        'Campaign',
        'CampaignList',
        'Error',
      ]),
    );
    expect(document.components.schemas.NewTenant.properties.tier.enum).toEqual([
      'starter',
      'growth',
      'enterprise',
    ]);
    const limits = paths['/marketing/campaigns']?.['get']?.parameters.map(({ name }) => name);
    expect(limits).toEqual(['limit', 'offset']);
  });

  it('is shown by a page that needs nobody else’s server', async () => {
    const { status, headers, body } = await api.call('/docs');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const assets = [...String(body).matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(assets).toHaveLength(3);
    for (const asset of assets) {
      const answer = await api.call(asset);
      expect([asset, answer.status, answer.body.length > 50]).toEqual([asset, 200, true]);
    }
    for (const path of ['package.json', '..%2Fpackage.json', '..%2F..%2F..%2Fetc%2Fpasswd', 'constructor']) {
      expectError(await api.call(`/docs/assets/${path}`), 404, 'NOT_FOUND');
    }
  });
});

describe.each(['express', 'fastify'] as const)('health, on %s', (adapter) => {
  it('is live without a database, and ready with one only', async () => {
    const other = await createTestDatabase();
    const platform = await openPlatform(adapter);
    const { api } = platform;
    expect((await api.call('/health/live')).body).toEqual({ status: 'ok' });
    expect((await api.call('/health/ready')).body).toEqual({
      status: 'ok',
      details: { database: { status: 'up' } },
    });

    const name = new URL(platform.adminUrl).pathname.slice(1);
    const session = new pg.Client({ connectionString: other.url });
    await session.connect();
    await session.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await session.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, [name]);
    expect((await api.call('/health/live')).status).toBe(200);
    const answer = await api.call('/health/ready');
    expectError(answer, 503, 'NOT_READY');
    expect(answer.body.details).toEqual({ database: { status: 'down' } });

    await session.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await session.end();
    expect((await api.call('/health/ready')).status).toBe(200);
    expect((await api.call('/marketing/campaigns', { token: platform.tokens.acme })).status).toBe(200);
    await platform.close();
    await other.drop();
  });
});
