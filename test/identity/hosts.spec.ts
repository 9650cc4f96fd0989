import { EVERY_SOURCE, ADAPTERS, acme, startSampleApp, type SampleApp } from './support/sample-app.js';
import { tokenWith } from './support/tokens.js';

const forAcme = { token: tokenWith({ tenant_id: acme.id }) };
const withHost = (host: string, ...more: [string, string][]) => ({
  ...forAcme,
  headers: [['Host', host], ...more] as [string, string][],
});
const forwarded = (...hosts: string[]) =>
  withHost('internal.test', ...hosts.map((host): [string, string] => ['X-Forwarded-Host', host]));
const OK = { status: 200, body: { tenant: 'acme' } };
const MISMATCH = { status: 403, body: { code: 'TENANT_MISMATCH' } };
const MALFORMED = { status: 400, body: { code: 'TENANT_ID_MALFORMED' } };

describe.each(ADAPTERS)('on %s', (_, makeAdapter) => {
  let app: SampleApp;
  beforeAll(async () => {
    app = await startSampleApp(makeAdapter());
  });
  afterAll(() => app.nest.close());

  it.each([
    'acme.platform.test',
    'ACME.Platform.Test.:8080',
    'acme.test',
    'www.platform.test',
    'localhost:80',
    '[::1]:80',
  ])('serves acme at %s', async (host) => {
    await expect(app.call('/whoami', withHost(host))).resolves.toMatchObject(OK);
  });

  it.each([
    'globex.platform.test',
    'GLOBEX.platform.test.:80',
    'globex.test',
    'evil-platform.test',
    'acme.platform.test.evil.test',
  ])('refuses acme at %s', async (host) => {
    await expect(app.call('/whoami', withHost(host))).resolves.toMatchObject(MISMATCH);
  });

  it.each([
    'a.b.platform.test',
    'acme.platform.test, globex.platform.test',
    'user@acme.platform.test',
    'ac%6De.platform.test',
  ])('refuses to read the host %s', async (host) => {
    await expect(app.call('/whoami', withHost(host))).resolves.toMatchObject(MALFORMED);
  });

  it('refuses two hosts', async () => {
    const twice = withHost('acme.platform.test', ['Host', 'globex.platform.test']);
    await expect(app.call('/whoami', twice)).resolves.toMatchObject({ status: 400 });
  });

  it('refuses an absolute target that disagrees with the host, and serves one that agrees', async () => {
    const target = 'http://globex.platform.test/whoami';
    await expect(app.call(target, withHost('acme.platform.test'))).resolves.toMatchObject(MALFORMED);
    await expect(app.call(target, withHost('globex.platform.test'))).resolves.toMatchObject(MISMATCH);
    const agreeing = app.call('http://acme.platform.test/whoami', withHost('acme.platform.test'));
    await expect(agreeing).resolves.toMatchObject(OK);
  });

  it.each([
    [['X-Forwarded-Host', 'globex.platform.test']],
    [['X-Forwarded-Host', 'globex.platform.test, acme.platform.test']],
    [['Forwarded', 'host=globex.platform.test']],
    [['X-Original-Host', 'globex.platform.test']],
    [['X-Forwarded-Server', 'globex.platform.test']],
  ] as [string, string][][])('ignores %s of a peer it does not trust', async (header) => {
    await expect(app.call('/whoami', withHost('acme.platform.test', header))).resolves.toMatchObject(OK);
  });

  it.each([
    'http://x?y/central',
    'http://x#/central',
    'http://x*y/excluded',
    'http://u@x/excluded',
    '/excluded#/../central',
  ])('does not let the target %s pass as an excluded path', async (target) => {
    const answer = await app.call(target, {});
    expect([400, 401, 404]).toContain(answer.status);
  });

  describe('behind a proxy it trusts', () => {
    let proxied: SampleApp;
    beforeAll(async () => {
      const resolution = { ...EVERY_SOURCE.resolution, trustedProxies: ['127.0.0.0/8'] };
      proxied = await startSampleApp(makeAdapter(), { tenancy: { ...EVERY_SOURCE, resolution } });
    });
    afterAll(() => proxied.nest.close());
    it('takes the host from the proxy', async () => {
      await expect(proxied.call('/whoami', forwarded('acme.platform.test'))).resolves.toMatchObject(OK);
      await expect(proxied.call('/whoami', forwarded('globex.platform.test'))).resolves.toMatchObject(
        MISMATCH,
      );
    });

    it.each([
      [['acme.platform.test, globex.platform.test']],
      [['acme.platform.test', 'acme.platform.test']],
      [['']],
    ])('refuses %j, because one proxy has one host', async (hosts) => {
      await expect(proxied.call('/whoami', forwarded(...hosts))).resolves.toMatchObject(MALFORMED);
    });
  });
});
