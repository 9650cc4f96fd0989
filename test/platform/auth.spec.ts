import { signTestToken } from '@tenantry/core/testing';
import { Api, expectError, PASSWORD } from './support/api.js';
import { JWT, openPlatform, type TestPlatform } from './support/platform.js';

describe.each(['express', 'fastify'] as const)('signing in, on %s', (adapter) => {
  let platform: TestPlatform;
  let api: Api;

  beforeAll(async () => {
    platform = await openPlatform(adapter);
    ({ api } = platform);
  });
  afterAll(() => platform.close());

  const signIn = (body: object) => api.call('/auth/token', { body });

  /** Milliseconds of the fastest of three refusals. */
  const fastest = async (email: string): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const startedAtMs = performance.now();
      await signIn({ email, password: 'wrong' });
      times.push(performance.now() - startedAtMs);
    }
    return Math.min(...times);
  };

  it('gives a member of one tenant a token for it, whatever the case of the address', async () => {
    const { status, headers, body } = await signIn({ email: 'Owner@ACME.test', password: PASSWORD });
    expect(status).toBe(200);
    expect(body).toEqual({ accessToken: expect.any(String), expiresIn: 3600, tenantId: platform.acme.id });
    expect(headers.get('cache-control')).toBe('no-store');
    const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString());
    expect(claims).toEqual({
      sub: expect.any(String),
      email: 'owner@acme.test',
      tenant_id: platform.acme.id,
      roles: ['owner'],
      iss: JWT.issuer,
      aud: JWT.audience,
      iat: expect.any(Number),
      exp: claims.iat + 3600,
    });
  });

  it('gives an operator a token without a tenant', async () => {
    const { status, body } = await signIn({ email: 'operator@platform.test', password: PASSWORD });
    expect({ status, tenantId: body.tenantId }).toEqual({ status: 200, tenantId: null });
    const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString());
    expect(claims.roles).toEqual(['operator']);
    expect(claims).not.toHaveProperty('tenant_id');
  });

  it('gives a member of several the tenant that they name, and asks when they name none', async () => {
    const credentials = { email: 'multi@acme.test', password: PASSWORD };
    for (const { id } of [platform.acme, platform.globex]) {
      const { status, body } = await signIn({ ...credentials, tenantId: id });
      expect({ status, tenantId: body.tenantId }).toEqual({ status: 200, tenantId: id });
    }
    expectError(await signIn(credentials), 400, 'TENANT_CHOICE_REQUIRED');
  });

  it('answers alike for unknown users, wrong passwords and tenants that are not the user’s', async () => {
    await platform.addUser('nobodys@acme.test', {});
    const attempts = [
      { email: 'unknown@acme.test', password: PASSWORD },
      { email: 'owner@acme.test', password: 'wrong' },
      { email: 'owner@acme.test', password: PASSWORD, tenantId: platform.globex.id },
      { email: 'owner@acme.test', password: PASSWORD, tenantId: '00000000-0000-4000-8000-000000000000' },
      { email: 'multi@acme.test', password: 'wrong' },
      { email: 'operator@platform.test', password: PASSWORD, tenantId: platform.acme.id },
      { email: 'nobodys@acme.test', password: PASSWORD },
    ];
    const answers = await Promise.all(attempts.map(signIn));
    for (const answer of answers) expectError(answer, 401, 'INVALID_CREDENTIALS');
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it('takes as long for a user that does not exist as for one that does', async () => {
    // Without the dummy hash the factor is about 50.
    expect((await fastest('owner@acme.test')) / (await fastest('unknown@acme.test'))).toBeLessThan(5);
  });

  it('refuses the members of a suspended tenant, and lets them in again when it is resumed', async () => {
    const credentials = { email: 'owner@globex.test', password: PASSWORD };
    await platform.operate('suspend', platform.globex);
    expectError(await signIn(credentials), 401, 'INVALID_CREDENTIALS');
    await platform.operate('resume', platform.globex);
    expect((await signIn(credentials)).status).toBe(200);
  });

  it('tells a caller who they are and where', async () => {
    const { status, body } = await api.call('/me', { token: platform.tokens.acme });
    expect(status).toBe(200);
    expect(body).toEqual({
      user: { id: expect.any(String), email: 'owner@acme.test', roles: ['owner'] },
      tenant: { id: platform.acme.id, slug: 'acme', name: 'Acme', tier: 'starter', status: 'active' },
    });
  });

  it('keeps operators out of tenants, and members out of the operators’ routes', async () => {
    const { acme, operator } = platform.tokens;
    expectError(await api.call('/me', { token: operator }), 401, 'TENANT_CLAIM_MISSING');
    expectError(await api.call('/marketing/campaigns', { token: operator }), 401, 'TENANT_CLAIM_MISSING');
    const named = { token: operator, headers: { 'x-tenant-id': 'acme' } };
    expectError(await api.call('/marketing/campaigns', named), 401, 'TENANT_CLAIM_MISSING');
    expectError(await api.call('/admin/tenants', { token: acme }), 403, 'TENANT_FORBIDDEN');
  });

  it('refuses tokens that it did not make, or that name a tenant beside their own', async () => {
    const exp = Math.floor(Date.now() / 1000) + 600;
    const good = {
      sub: 'x',
      email: 'x@x.test',
      iss: JWT.issuer,
      aud: JWT.audience,
      exp,
      roles: ['owner'],
      tenant_id: platform.acme.id,
    };
    const bad: readonly [string, Parameters<typeof signTestToken>][] = [
      ['another secret', ['another secret, just as long as the right one', good]],
      ['expired', [JWT.secret, { ...good, exp: exp - 3_600 }]],
      ['another audience', [JWT.secret, { ...good, aud: 'others' }]],
      ['another issuer', [JWT.secret, { ...good, iss: 'others' }]],
      ['no algorithm', [JWT.secret, good, { alg: 'none' }]],
    ];
    for (const [, token] of bad) {
      expectError(await api.call('/me', { token: signTestToken(...token) }), 401, 'UNAUTHENTICATED');
    }
    expect((await api.call('/me', { token: signTestToken(JWT.secret, good) })).status).toBe(200);
    const both = { token: platform.tokens.acme, headers: { 'x-tenant-id': 'globex' } };
    expectError(await api.call('/me', both), 403, 'TENANT_MISMATCH');
  });

  it('refuses a member whose role is named like the operators’', async () => {
    const exp = Math.floor(Date.now() / 1000) + 600;
    const claims = {
      sub: 'x',
      email: 'x@x.test',
      iss: JWT.issuer,
      aud: JWT.audience,
      exp,
      roles: ['operator'],
      tenant_id: platform.acme.id,
    };
    expectError(
      await api.call('/admin/tenants', { token: signTestToken(JWT.secret, claims) }),
      403,
      'TENANT_FORBIDDEN',
    );
  });
});
