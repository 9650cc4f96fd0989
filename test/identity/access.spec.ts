import { headerStrategy, type TenantMembership, type TenantStatus } from '@tenantry/core';
import { signTestToken } from '@tenantry/core/testing';
import {
  acme,
  ADAPTERS,
  EVERY_SOURCE,
  globex,
  startSampleApp,
  type SampleApp,
} from './support/sample-app.js';
import { JWT, operatorToken, tokenWith } from './support/tokens.js';

const UNAUTHENTICATED = {
  statusCode: 401,
  error: 'Unauthorized',
  message: 'A valid access token is required.',
  code: 'UNAUTHENTICATED',
};
const forbiddenLine = (id: string, reason: string) =>
  `TENANT_FORBIDDEN: Access to tenant '${id}' is refused for user "ann": ${reason}.`;
const FORBIDDEN = {
  statusCode: 403,
  error: 'Forbidden',
  message: 'You have no access to this tenant.',
  code: 'TENANT_FORBIDDEN',
};
const forAcme = (claims: object = {}) => tokenWith({ tenant_id: acme.id, ...claims });
const seconds = (offset: number) => Math.floor(Date.now() / 1000) + offset;
const [head, body] = forAcme().split('.');
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const BAD_TOKENS: readonly [string, string | undefined][] = [
  ['no token', undefined],
  ['text that is no token', 'abc'],
  ['algorithm none', `${encoded({ alg: 'none' })}.${body}.`],
  ['no signature', `${head}.${body}.`],
  ['another secret', signTestToken('x'.repeat(32), { sub: 'ann' })],
  ['an expired token', forAcme({ exp: seconds(-60) })],
  ['a token without expiry', forAcme({ exp: undefined })],
  ['a token for later', forAcme({ nbf: seconds(60) })],
  ['a token of another issuer', forAcme({ iss: 'other' })],
  ['a token for another audience', forAcme({ aud: 'other' })],
  ['a token of nobody', forAcme({ sub: undefined })],
  ['a token with an extension', signTestToken(JWT.key.secret, {}, { alg: 'HS256', crit: ['x'], x: 1 })],
  ['a token of 10 kB', forAcme({ padding: 'x'.repeat(8_000) })],
  ['roles that are no list', forAcme({ roles: 'admin' })],
  ...[[], [acme.id], ['a', 'b'], {}, 0, 1, '', ' acme ', '__proto__', null, true, 'ACME', 'a, b'].map(
    (claim): [string, string] => [`the claim ${JSON.stringify(claim)}`, tokenWith({ tenant_id: claim })],
  ),
];

describe.each(ADAPTERS)('on %s', (_, makeAdapter) => {
  describe('with a claim for a proof', () => {
    let app: SampleApp;
    beforeAll(async () => {
      app = await startSampleApp(makeAdapter());
    });
    beforeEach(() => {
      app.log.length = 0;
      app.store.asked.length = 0;
    });
    afterAll(() => app.nest.close());

    it('serves the tenant of the token', async () => {
      await expect(app.call('/whoami', { token: forAcme() })).resolves.toMatchObject({
        status: 200,
        body: { state: 'tenant', tenant: 'acme', parameter: 'acme', id: acme.id, user: 'ann' },
      });
    });

    it.each(BAD_TOKENS)(
      'answers %s as any other bad token, on every kind of route but public ones',
      async (_title, token) => {
        const bodies = new Set<string>();
        for (const target of ['/whoami', '/optional', '/owners', '/central']) {
          const answer = await app.call(target, { token });
          expect(answer).toMatchObject({ status: 401, body: UNAUTHENTICATED });
          bodies.add(answer.text);
        }
        expect([...bodies]).toEqual([JSON.stringify(UNAUTHENTICATED)]);
        await expect(app.call('/public', { token })).resolves.toMatchObject({ status: 200 });
        expect(app.store.asked).toEqual([]);
      },
    );

    it('refuses an Authorization header of another scheme, or sent twice', async () => {
      for (const headers of [
        [['Authorization', `Basic ${forAcme()}`]],
        [
          ['Authorization', `Bearer ${forAcme()}`],
          ['Authorization', `Bearer ${forAcme()}`],
        ],
      ] as [string, string][][]) {
        await expect(app.call('/whoami', { headers })).resolves.toMatchObject({
          status: 401,
          body: UNAUTHENTICATED,
        });
      }
    });

    it('does not take a name for a proof', async () => {
      const headers = [['X-Tenant-ID', 'acme']] as const;
      await expect(app.call('/whoami', { headers })).resolves.toMatchObject({ body: UNAUTHENTICATED });
      const token = tokenWith();
      for (const target of ['/whoami', '/optional']) {
        await expect(app.call(target, { headers, token })).resolves.toMatchObject({
          status: 401,
          body: { code: 'TENANT_CLAIM_MISSING' },
        });
      }
      expect(app.store.asked).toEqual([]);
    });

    describe('a tenant that cannot be entered', () => {
      const nobody = '00000000-0000-4000-8000-000000000000';
      const STATES: readonly TenantStatus[] = ['provisioning', 'suspended', 'archived', 'failed'];
      afterEach(() => app.store.put(globex));

      it('looks the same from outside whatever is wrong with it, and different in the log', async () => {
        const bodies = new Set([
          (await app.call('/whoami', { token: tokenWith({ tenant_id: nobody }) })).text,
        ]);
        for (const status of STATES) {
          app.store.put({ ...globex, status });
          const answer = await app.call('/whoami', { token: tokenWith({ tenant_id: globex.id }) });
          expect(answer.status).toBe(403);
          bodies.add(answer.text);
        }
        expect([...bodies]).toEqual([JSON.stringify(FORBIDDEN)]);
        expect(app.log).toEqual([
          forbiddenLine(nobody, 'unknown'),
          ...STATES.map((status) => forbiddenLine(globex.id, status)),
        ]);
      });

      it('is out with the very next request, and in again as soon as it is active', async () => {
        const token = tokenWith({ tenant_id: globex.id });
        const status = async () => (await app.call('/whoami', { token })).status;
        expect(await status()).toBe(200);
        app.store.put({ ...globex, status: 'suspended' });
        expect(await status()).toBe(403);
        app.store.put(globex);
        expect(await status()).toBe(200);
      });
    });

    describe('routes for operators', () => {
      it('serve an operator, centrally, whatever tenant a header names', async () => {
        for (const headers of [[], [['X-Tenant-ID', 'acme'] as const]]) {
          await expect(app.call('/central', { token: operatorToken(), headers })).resolves.toMatchObject({
            status: 200,
            body: { state: 'central' },
          });
        }
        expect(app.store.asked).toEqual([]);
      });

      it.each([
        ['a tenant', forAcme()],
        ['a tenant that calls one of its roles operator', forAcme({ roles: ['operator'] })],
        ['a user without roles', tokenWith()],
        ['a user with another role', tokenWith({ roles: ['Operator', 'operators'] })],
      ])('refuse %s', async (_title, token) => {
        await expect(app.call('/central', { token })).resolves.toMatchObject({
          status: 403,
          body: FORBIDDEN,
        });
        expect(app.log).toEqual([
          'TENANT_FORBIDDEN: Access to the route is refused for user "ann": not-an-operator.',
        ]);
      });

      it('are the only ones for operators: elsewhere their token lacks a tenant', async () => {
        await expect(app.call('/whoami', { token: operatorToken() })).resolves.toMatchObject({
          status: 401,
          body: { statusCode: 401, error: 'Unauthorized', code: 'TENANT_CLAIM_MISSING' },
        });
      });
    });

    describe('routes for which a tenant is optional', () => {
      it('run in the tenant of the token, or in none', async () => {
        const withTenant = app.call('/optional', { token: forAcme() });
        await expect(withTenant).resolves.toMatchObject({ status: 200, body: { tenant: 'acme' } });
        const without = app.call('/optional', { token: tokenWith() });
        await expect(without).resolves.toMatchObject({ status: 200, body: { state: 'none' } });
      });

      it('still ask for the role they name', async () => {
        for (const token of [tokenWith(), tokenWith({ roles: ['owner'] }), forAcme({ roles: ['editor'] })]) {
          await expect(app.call('/optional/owners', { token })).resolves.toMatchObject({
            status: 403,
            body: FORBIDDEN,
          });
        }
        const owner = app.call('/optional/owners', { token: forAcme({ roles: ['owner'] }) });
        await expect(owner).resolves.toMatchObject({ status: 200 });
      });
    });

    it.each([
      [['owner'], 200],
      [['editor', 'admin'], 200],
      [['editor'], 403],
      [undefined, 403],
    ])('routes for roles ask the roles of the token: %j is a %i', async (roles, status) => {
      await expect(app.call('/owners', { token: forAcme({ roles }) })).resolves.toMatchObject({ status });
    });

    it('public routes run without context, and reaching for a tenant there tells nothing', async () => {
      for (const token of [undefined, forAcme()]) {
        await expect(app.call('/public', { token })).resolves.toMatchObject({
          status: 200,
          body: { state: 'none' },
        });
        const answer = await app.call('/public/require', { token });
        expect(answer.body).toEqual({
          statusCode: 500,
          error: 'Internal Server Error',
          message: 'Internal server error',
          code: 'TENANT_CONTEXT_MISSING',
        });
      }
      expect(app.log.join()).toContain('The table campaigns was needed outside of any tenant context');
    });

    it('excluded paths run without context, and nothing else does', async () => {
      for (const target of ['/excluded', '/docs/page', '/excluded?tenant_id=a,b']) {
        await expect(app.call(target)).resolves.toMatchObject({ status: 200, body: { state: 'none' } });
      }
      for (const target of [
        '/excluded/',
        '/Excluded',
        '/%65xcluded',
        '//excluded',
        '/docs/../whoami',
        '/whoami',
      ]) {
        const answer = await app.call(target);
        expect([400, 401, 404]).toContain(answer.status);
      }
    });

    it('a store that fails is a 500 that tells nothing, and is asked again', async () => {
      const token = tokenWith({ tenant_id: 'initech' });
      jest.spyOn(app.store, 'findBySlug').mockRejectedValueOnce(new Error('connect 10.0.0.1:5432'));
      await expect(app.call('/whoami', { token })).resolves.toMatchObject({
        status: 500,
        body: { code: 'INTERNAL_SERVER_ERROR', message: 'Internal Server Error' },
      });
      await expect(app.call('/whoami', { token })).resolves.toMatchObject({ status: 403 });
    });
  });

  describe('with a membership for a proof', () => {
    const MEMBERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
      ann: { acme: ['owner'], globex: [] },
      bob: { globex: ['owner'] },
    };
    const membership: TenantMembership = {
      rolesOf: async ({ userId }, { slug }) => MEMBERS[userId]?.[slug],
    };
    let app: SampleApp;
    beforeAll(async () => {
      app = await startSampleApp(makeAdapter(), {
        tenancy: {
          ...EVERY_SOURCE,
          resolution: { strategies: [headerStrategy()] },
          access: { kind: 'jwt', jwt: JWT, membership },
        },
      });
    });
    afterAll(() => app.nest.close());
    const as = (sub: string, tenant: string, target = '/whoami', claims: object = {}) =>
      app.call(target, { token: tokenWith({ sub, ...claims }), headers: [['X-Tenant-ID', tenant]] });

    it('a member of several tenants picks one by header', async () => {
      await expect(as('ann', 'acme')).resolves.toMatchObject({ status: 200, body: { tenant: 'acme' } });
      await expect(as('ann', globex.id)).resolves.toMatchObject({ status: 200, body: { tenant: 'globex' } });
    });

    it('who is no member is refused, as for a tenant that does not exist', async () => {
      const answers = [await as('bob', 'acme'), await as('bob', 'nobody'), await as('eve', 'globex')];
      expect(answers.map(({ status, text }) => [status, text])).toEqual(
        answers.map(() => [403, JSON.stringify(FORBIDDEN)]),
      );
    });

    it('a member has the roles of the membership, whatever roles the token claims', async () => {
      await expect(as('ann', 'acme', '/owners')).resolves.toMatchObject({ status: 200 });
      await expect(as('ann', 'globex', '/owners', { roles: ['owner'] })).resolves.toMatchObject({
        status: 403,
      });
    });

    it('a member who names no tenant is told to', async () => {
      await expect(app.call('/whoami', { token: tokenWith() })).resolves.toMatchObject({
        status: 401,
        body: { code: 'TENANT_CLAIM_MISSING' },
      });
    });

    it('is withdrawn with the very next request', async () => {
      const rolesOf = jest.spyOn(membership, 'rolesOf').mockResolvedValueOnce(undefined);
      await expect(as('ann', 'acme')).resolves.toMatchObject({ status: 403 });
      rolesOf.mockRestore();
      await expect(as('ann', 'acme')).resolves.toMatchObject({ status: 200 });
    });
  });

  describe('in a trusted network', () => {
    let app: SampleApp;
    beforeAll(async () => {
      app = await startSampleApp(makeAdapter(), {
        tenancy: { ...EVERY_SOURCE, access: { kind: 'trusted-network' } },
      });
    });
    afterAll(() => app.nest.close());
    const forTenant = (target: string) => app.call(target, { headers: [['X-Tenant-ID', 'acme']] });

    it('a name is enough', async () => {
      await expect(forTenant('/whoami')).resolves.toMatchObject({ status: 200, body: { tenant: 'acme' } });
    });

    it('nobody is an operator, and nobody has a role', async () => {
      const token = operatorToken();
      for (const target of ['/central', '/owners']) {
        await expect(forTenant(target)).resolves.toMatchObject({ status: 403 });
      }
      await expect(app.call('/central', { token })).resolves.toMatchObject({ status: 403, body: FORBIDDEN });
    });

    it('names still have to agree and to be active', async () => {
      const disagreeing = forTenant('/whoami?tenant_id=globex');
      await expect(disagreeing).resolves.toMatchObject({ status: 403, body: { code: 'TENANT_MISMATCH' } });
      app.store.put({ ...acme, status: 'suspended' });
      await expect(forTenant('/whoami')).resolves.toMatchObject({ status: 403, body: FORBIDDEN });
      app.store.put(acme);
    });
  });
});
