import { expectError, type Api } from './support/api.js';
import { asAdmin, openPlatform, type TestPlatform } from './support/platform.js';

const SHARED_ID = '11111111-1111-4111-8111-111111111111';
const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999';

const path = (id = ''): string => `/marketing/campaigns${id && `/${id}`}`;
const draft = (name: string) => ({ name, subject: `about ${name}`, body: `all of ${name}` });

describe.each(['express', 'fastify'] as const)('campaigns, on %s', (adapter) => {
  let platform: TestPlatform;
  let api: Api;
  let acme: string;
  let globex: string;

  beforeAll(async () => {
    platform = await openPlatform(adapter);
    ({ api } = platform);
    ({ acme, globex } = platform.tokens);
  });
  afterAll(() => platform.close());

  const create = async (token: string, name: string): Promise<string> =>
    (await api.call(path(), { token, body: draft(name) })).body.id;

  it('are created, listed, read, changed and deleted', async () => {
    const created = await api.call(path(), { token: acme, body: draft('first') });
    expect(created.status).toBe(201);
    const campaign = {
      id: expect.any(String),
      ...draft('first'),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    };
    expect(created.body).toEqual(campaign);
    const own = path(created.body.id);
    expect((await api.call(own, { token: acme })).body).toEqual(created.body);

    const changed = await api.call(own, { method: 'PATCH', token: acme, body: { subject: 'new' } });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({ ...created.body, subject: 'new', updatedAt: expect.any(String) });
    expect(Date.parse(changed.body.updatedAt)).toBeGreaterThan(Date.parse(created.body.updatedAt));

    const removed = await api.call(own, { method: 'DELETE', token: acme });
    expect([removed.status, removed.body]).toEqual([204, '']);
    expectError(await api.call(own, { token: acme }), 404, 'CAMPAIGN_NOT_FOUND');
    expectError(await api.call(own, { method: 'DELETE', token: acme }), 404, 'CAMPAIGN_NOT_FOUND');
  });

  it('are listed in pages, oldest first', async () => {
    const before = (await api.call(path(), { token: acme })).body.total;
    for (const name of ['a', 'b', 'c']) await create(acme, name);
    const { body } = await api.call(`${path()}?limit=2&offset=${before}`, { token: acme });
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['a', 'b']);
    expect(body.total).toBe(before + 3);
    expect(Object.keys(body)).toEqual(['items', 'total']);
  });

  describe('of two tenants with the same primary key', () => {
    beforeAll(async () => {
      for (const { schema, slug } of [platform.acme, platform.globex]) {
        await asAdmin(
          platform.adminUrl,
          `INSERT INTO "${schema}".campaigns (id, name, subject, body) VALUES ($1, $2, 's', 'b')`,
          [SHARED_ID, `of ${slug}`],
        );
      }
    });

    it('are each seen by their own tenant only, however requests interleave', async () => {
      const owners = Array.from({ length: 30 }, () => ['acme', 'globex'] as const).flat();
      const names = await Promise.all(
        owners.map(
          async (slug) => (await api.call(path(SHARED_ID), { token: platform.tokens[slug] })).body.name,
        ),
      );
      expect(names).toEqual(owners.map((slug) => `of ${slug}`));
    });

    it('are each changed and deleted by their own tenant only', async () => {
      await api.call(path(SHARED_ID), { method: 'PATCH', token: acme, body: { name: 'changed' } });
      expect((await api.call(path(SHARED_ID), { token: globex })).body.name).toBe('of globex');
      await api.call(path(SHARED_ID), { method: 'DELETE', token: acme });
      expect((await api.call(path(SHARED_ID), { token: globex })).body.name).toBe('of globex');
      expect((await api.call(path(SHARED_ID), { token: acme })).status).toBe(404);
    });
  });

  it('of another tenant look exactly like ones that do not exist, and stay as they are', async () => {
    const theirs = await create(globex, 'theirs');
    const before = (await api.call(path(theirs), { token: globex })).body;
    const attempts = [{ method: 'GET' }, { method: 'PATCH', body: { name: 'mine' } }, { method: 'DELETE' }];
    for (const attempt of attempts) {
      const foreign = await api.call(path(theirs), { ...attempt, token: acme });
      const unknown = await api.call(path(UNKNOWN_ID), { ...attempt, token: acme });
      expectError(foreign, 404, 'CAMPAIGN_NOT_FOUND');
      expect(foreign.body).toEqual(unknown.body);
    }
    expect((await api.call(path(theirs), { token: globex })).body).toEqual(before);
  });

  it('cannot be reached by naming another tenant in the header, the query or the body', async () => {
    const theirs = await create(globex, 'still theirs');
    const { id, slug, schema } = platform.globex;
    for (const name of [id, slug]) {
      const headers = { 'x-tenant-id': name };
      expectError(await api.call(path(theirs), { token: acme, headers }), 403, 'TENANT_MISMATCH');
      expectError(await api.call(path(), { token: acme, headers, body: draft('x') }), 403, 'TENANT_MISMATCH');
    }
    const listed = await api.call(`${path()}?tenant_id=${id}&tenantId=${id}&schema=${schema}`, {
      token: acme,
    });
    expect(listed.body.items.map((campaign: { id: string }) => campaign.id)).not.toContain(theirs);
    for (const extra of [{ tenantId: id }, { tenant_id: id }, { schema }]) {
      expectError(
        await api.call(path(), { token: acme, body: { ...draft('x'), ...extra } }),
        400,
        'VALIDATION_FAILED',
      );
    }
  });

  it('take no property that is not theirs to set', async () => {
    const own = await create(acme, 'own');
    for (const extra of [
      { id: UNKNOWN_ID },
      { createdAt: '2000-01-01' },
      { updatedAt: null },
      { toString: 'x' },
    ]) {
      const answer = await api.call(path(own), {
        method: 'PATCH',
        token: acme,
        body: { name: 'x', ...extra },
      });
      expectError(answer, 400, 'VALIDATION_FAILED');
      expect(answer.body.message).toEqual([expect.stringContaining(Object.keys(extra)[0]!)]);
    }
    expect((await api.call(path(own), { token: acme })).body.name).toBe('own');
  });

  it('say which field of a bad request is wrong', async () => {
    const answer = await api.call(path(), { token: acme, body: { name: '  ', subject: 7, body: 'nul \0' } });
    expectError(answer, 400, 'VALIDATION_FAILED');
    expect(answer.body.message).toEqual([
      expect.stringMatching(/^name: /),
      expect.stringMatching(/^subject: /),
      'body: Must not contain U+0000',
    ]);
    const listed = await api.call(`${path()}?limit=0&offset=-1`, { token: acme });
    expectError(listed, 400, 'VALIDATION_FAILED');
    expect(listed.body.message).toEqual([
      expect.stringMatching(/^limit: /),
      expect.stringMatching(/^offset: /),
    ]);
    expectError(await api.call(path('no-uuid'), { token: acme }), 400, 'VALIDATION_FAILED');
    expectError(
      await api.call(path(UNKNOWN_ID), { method: 'PATCH', token: acme, body: {} }),
      400,
      'VALIDATION_FAILED',
    );
  });

  it('of a suspended tenant are out of reach at the very next request, and back when it is resumed', async () => {
    const own = await create(globex, 'kept');
    for (let i = 0; i < 3; i++) {
      await platform.operate('suspend', platform.globex);
      expectError(await api.call(path(own), { token: globex }), 403, 'TENANT_FORBIDDEN');
      expect((await api.call(path(), { token: acme })).status).toBe(200);
      await platform.operate('resume', platform.globex);
      expect((await api.call(path(own), { token: globex })).body.name).toBe('kept');
    }
  });

  it('need a token', async () => {
    for (const [method, id] of [
      ['GET', ''],
      ['POST', ''],
      ['GET', UNKNOWN_ID],
      ['PATCH', UNKNOWN_ID],
      ['DELETE', UNKNOWN_ID],
    ] as const) {
      expectError(await api.call(path(id), { method }), 401, 'UNAUTHENTICATED');
      expectError(await api.call(path(id), { method, token: 'x.y.z' }), 401, 'UNAUTHENTICATED');
    }
  });
});
