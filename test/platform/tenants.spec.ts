import { expectError, type Answer, type Api } from './support/api.js';
import { asAdmin, openPlatform, type TestPlatform } from './support/platform.js';

const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999';

const path = (id = '', verb = ''): string => `/admin/tenants${id && `/${id}`}${verb && `/${verb}`}`;

describe.each(['express', 'fastify'] as const)('the administration of tenants, on %s', (adapter) => {
  let platform: TestPlatform;
  let api: Api;
  let token: string;

  beforeAll(async () => {
    platform = await openPlatform(adapter);
    ({ api } = platform);
    token = platform.tokens.operator;
  });
  afterAll(() => platform.close());

  const create = (body: object): Promise<Answer> =>
    api.call(path(), { token, body: { name: 'T', tier: 'starter', ...body } });

  it('creates a tenant that can be used at once', async () => {
    const { status, body } = await create({
      name: ' Umbrella ',
      slug: 'umbrella',
      tier: 'enterprise',
      domains: ['Shop.Umbrella.test'],
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      slug: 'umbrella',
      name: 'Umbrella',
      tier: 'enterprise',
      status: 'active',
      domains: ['shop.umbrella.test'],
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    await platform.addUser('owner@umbrella.test', { tenants: [{ ...platform.acme, id: body.id }] });
    const campaigns = await api.call('/marketing/campaigns', {
      token: await api.token('owner@umbrella.test'),
    });
    expect(campaigns.body).toEqual({ items: [], total: 0 });
  });

  it('refuses a slug or domain that is taken, and leaves nothing behind', async () => {
    await create({ slug: 'taken', domains: ['taken.test'] });
    const before = (await api.call(path(), { token })).body.total;
    expectError(await create({ slug: 'taken' }), 409, 'TENANT_SLUG_TAKEN');
    expectError(
      await create({ slug: 'other', domains: ['free.test', 'TAKEN.test'] }),
      409,
      'TENANT_DOMAIN_TAKEN',
    );
    expect((await api.call(path(), { token })).body.total).toBe(before);
    const [schemas] = await asAdmin<{ count: number }>(
      platform.adminUrl,
      `SELECT count(*)::int FROM pg_namespace WHERE nspname LIKE 'tenant\\_%'`,
    );
    expect(schemas?.count).toBe(before);
    const own = path(platform.acme.id);
    expectError(
      await api.call(own, { method: 'PATCH', token, body: { slug: 'taken' } }),
      409,
      'TENANT_SLUG_TAKEN',
    );
    expectError(
      await api.call(own, { method: 'PATCH', token, body: { domains: ['taken.test'] } }),
      409,
      'TENANT_DOMAIN_TAKEN',
    );
  });

  it('makes one tenant when several ask for the same slug at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => create({ slug: 'raced' })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
  });

  it('lists in pages, oldest first', async () => {
    const { body } = await api.call(`${path()}?limit=1&offset=1`, { token });
    expect(body).toEqual({
      items: [expect.objectContaining({ slug: 'globex' })],
      total: expect.any(Number),
      limit: 1,
      offset: 1,
    });
    expect((await api.call(path(), { token })).body).toMatchObject({ limit: 50, offset: 0 });
  });

  it('shows and changes a tenant, and shows nothing of where its data lives', async () => {
    const { body: made } = await create({ slug: 'before' });
    const own = path(made.id);
    const change = { name: 'After', slug: 'after', tier: 'growth', domains: ['after.test'] };
    const changed = await api.call(own, { method: 'PATCH', token, body: change });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({ ...made, ...change, updatedAt: expect.any(String) });
    expect((await api.call(own, { token })).body).toEqual(changed.body);
    expect(JSON.stringify(changed.body)).not.toContain('tenant_');
    // A slug that was given up may be taken by another.
    expect((await create({ slug: 'before' })).status).toBe(201);
  });

  it('takes no property that is not the caller’s to set', async () => {
    const others = {
      id: UNKNOWN_ID,
      schema: 'public',
      status: 'active',
      placement: { cluster: 'x' },
      generation: 9,
      metadata: {},
    };
    for (const [name, value] of Object.entries(others)) {
      const created = await create({ slug: 'mass', [name]: value });
      expectError(created, 400, 'VALIDATION_FAILED');
      expect(created.body.message).toEqual([`Unrecognized key: "${name}"`]);
      const patch = { method: 'PATCH', token, body: { name: 'x', [name]: value } };
      expectError(await api.call(path(platform.acme.id), patch), 400, 'VALIDATION_FAILED');
    }
  });

  it('says which field of a bad request is wrong', async () => {
    const { body } = await api.call(path(), {
      token,
      body: { name: '', slug: 'www', tier: 'gold', domains: ['a b'] },
    });
    expect(body.message).toEqual([
      expect.stringMatching(/^name: /),
      expect.stringMatching(/^slug: /),
      expect.stringMatching(/^tier: .*starter/),
      expect.stringMatching(/^domains\.0: /),
    ]);
    for (const slug of [
      '',
      'Upper',
      '-a',
      'a_b',
      'a'.repeat(64),
      platform.acme.id,
      'x"; drop schema public; --',
    ]) {
      expectError(await create({ slug }), 400, 'VALIDATION_FAILED');
    }
  });

  it('suspends and resumes, any number of times, and says when it cannot', async () => {
    const { body: made } = await create({ slug: 'swing' });
    const operate = (verb: string) => api.call(path(made.id, verb), { method: 'POST', token });
    for (const [verb, status] of [
      ['suspend', 'suspended'],
      ['suspend', 'suspended'],
      ['resume', 'active'],
      ['resume', 'active'],
    ] as const) {
      const answer = await operate(verb);
      expect([answer.status, answer.body.status]).toEqual([200, status]);
    }
    await asAdmin(platform.adminUrl, `UPDATE tenantry.tenants SET status = 'archived' WHERE id = $1`, [
      made.id,
    ]);
    expectError(await operate('suspend'), 409, 'TENANT_STATUS_CONFLICT');
    expectError(await operate('resume'), 409, 'TENANT_STATUS_CONFLICT');
  });

  it('accepts a body that is announced as JSON and empty', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await api.call(path(platform.acme.id, 'resume'), { method: 'POST', token, headers });
    expect(answer.status).toBe(200);
  });

  it('answers 404 for unknown ids and 400 for malformed ones', async () => {
    const calls = [
      ['GET', ''],
      ['PATCH', ''],
      ['POST', 'suspend'],
      ['POST', 'resume'],
    ] as const;
    for (const [method, verb] of calls) {
      const call = { method, token, ...(method === 'PATCH' && { body: { name: 'x' } }) };
      expectError(await api.call(path(UNKNOWN_ID, verb), call), 404, 'TENANT_NOT_FOUND');
      expectError(await api.call(path('acme', verb), call), 400, 'VALIDATION_FAILED');
      expectError(
        await api.call(path(UNKNOWN_ID, verb), { ...call, token: platform.tokens.acme }),
        403,
        'TENANT_FORBIDDEN',
      );
    }
  });
});
