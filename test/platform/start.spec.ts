import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '@tenantry/dev-servers/testing';
import { expectError, type Api } from './support/api.js';
import {
  build,
  makeHome,
  PlatformProcess,
  processesOf,
  removeHome,
  untilNoProcessOf,
  type PlatformEnvironment,
} from './support/platform-process.js';

const UNPRIVILEGED_UID = 65_534;
const homes: string[] = [];

async function newHome(): Promise<string> {
  const home = await makeHome();
  homes.push(home);
  return home;
}

async function start(options: PlatformEnvironment): Promise<PlatformProcess> {
  return new PlatformProcess(options, await findFreePort());
}

/** A start that must not succeed. */
async function failedStart(options: PlatformEnvironment, port?: number): Promise<string> {
  const platform = new PlatformProcess(options, port ?? (await findFreePort()));
  expect(await platform.exited).toEqual({ code: 1, signal: null });
  expect(platform.output).not.toMatch(/^\s+at /m);
  await untilNoProcessOf(options.home);
  return platform.output;
}

function demoToken(api: Api, email: string, tenantId?: string): Promise<string> {
  return api
    .call('/auth/token', { body: { email, password: 'demo', tenantId } })
    .then(({ body }) => body.accessToken as string);
}

async function slugs(api: Api): Promise<string[]> {
  const token = await demoToken(api, 'operator@platform.test');
  const { body } = await api.call('/admin/tenants', { token });
  return body.items.map(({ slug, tier, status }: Record<string, string>) => `${slug} ${tier} ${status}`);
}

const DEMO = ['acme starter active', 'globex growth active', 'initech enterprise active'];

async function expectWholeDemo(api: Api): Promise<void> {
  expect(await slugs(api)).toEqual(DEMO);
  for (const slug of ['acme', 'globex', 'initech']) {
    const token = await demoToken(api, `owner@${slug}.test`);
    expect((await api.call('/marketing/campaigns', { token })).body.total).toBe(3);
  }
  const multi = { email: 'multi@acme.test', password: 'demo' };
  expectError(await api.call('/auth/token', { body: multi }), 400, 'TENANT_CHOICE_REQUIRED');
}

beforeAll(build, 180_000);
afterAll(() => Promise.all(homes.map(removeHome)));

describe('a start with nothing but Node', () => {
  it('serves the demo, keeps its data from run to run, and leaves no process behind', async () => {
    const home = await newHome();
    const first = await start({ home });
    let api = await first.ready();
    for (const said of [
      `${api.url}/docs`,
      'owner@acme.test',
      'multi@acme.test',
      'password "demo"',
      'curl -s',
    ]) {
      expect(first.output).toContain(said);
    }
    const token = /^ACME=(\S+)$/m.exec(first.output)![1]!;
    await expectWholeDemo(api);
    const body = { name: 'kept', subject: 's', body: 'b' };
    const { body: kept } = await api.call('/marketing/campaigns', { token, body });
    expect(await processesOf(home)).not.toEqual([]);
    expect(await first.stop('SIGTERM')).toBe(0);
    expect(await processesOf(home)).toEqual([]);

    const second = await start({ home, env: { TENANTRY_ADAPTER: 'fastify' } });
    api = await second.ready();
    // The token of the first run is good as well: the secret stays with the data.
    expect((await api.call(`/marketing/campaigns/${kept.id}`, { token })).body).toEqual(kept);
    expect(await slugs(api)).toEqual(DEMO);
    expect((await stat(join(home, 'secrets.json'))).mode & 0o777).toBe(0o600);
    expect(await second.stop('SIGINT')).toBe(0);
    expect(await processesOf(home)).toEqual([]);
  });

  it('survives kill -9, while it works and while it seeds', async () => {
    const home = await newHome();
    for (const waitMs of [150, 350]) {
      const killed = await start({ home });
      await killed.untilPrinted('is listening');
      await delay(waitMs);
      killed.kill('SIGKILL');
      await killed.exited;
    }
    const last = await start({ home });
    await expectWholeDemo(await last.ready());
    last.kill('SIGKILL');
    await last.exited;
    await untilNoProcessOf(home);
    const again = await start({ home });
    await expectWholeDemo(await again.ready());
    expect(await again.stop()).toBe(0);
  });

  it('can be stopped while it is still starting', async () => {
    const home = await newHome();
    const platform = await start({ home });
    await platform.untilPrinted('Making a new PostgreSQL');
    expect(await platform.stop('SIGINT')).toBe(0);
    expect(await processesOf(home)).toEqual([]);
    expect(platform.output).not.toMatch(/error|^\s+at /im);
  });

  it('through npm builds first, passes failures on, and leaves no process behind either', async () => {
    const home = await newHome();
    const command = ['npm', 'start'] as const;
    const platform = await start({ home, command });
    await platform.ready();
    // npm passes this on to its shell only.
    await platform.stop('SIGTERM');
    await untilNoProcessOf(home);
    const refused = await start({ home, command, env: { JWT_SECRET: 'weak' } });
    expect((await refused.exited).code).toBe(1);
    expect(refused.output).toContain('JWT_SECRET must have at least 32 bytes');
  });
});

describe('a start that cannot succeed', () => {
  it('says which port is in use, before it has made anything', async () => {
    const home = await newHome();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const output = await failedStart({ home }, port);
    expect(output).toContain(`Port ${port} on 127.0.0.1 is in use by another program.`);
    expect(output).toContain(`PORT=${port + 1} npm start`);
    expect(await readdir(home)).toEqual([]);
    other.close();
  });

  it('says who uses the home already, and leaves them in peace', async () => {
    const home = await newHome();
    const first = await start({ home });
    const api = await first.ready();
    const second = await start({ home });
    expect((await second.exited).code).toBe(1);
    expect(second.output).toContain(String(first.pid));
    expect((await api.call('/health/ready')).status).toBe(200);
    await first.stop();
  });

  it('says what is wrong with a damaged home, and removes nothing from it', async () => {
    const [cluster, secrets] = [await newHome(), await newHome()];
    await mkdir(join(cluster, 'postgres'));
    await writeFile(join(cluster, 'postgres/PG_VERSION'), 'nonsense\n');
    await writeFile(join(cluster, 'postgres/precious'), 'data');
    await writeFile(join(secrets, 'secrets.json'), '{');
    const outputs = await Promise.all([cluster, secrets].map((home) => failedStart({ home })));
    expect(outputs[0]).toContain(join(cluster, 'postgres'));
    expect(await readFile(join(cluster, 'postgres/precious'), 'utf8')).toBe('data');
    expect(outputs[1]).toContain(`${join(secrets, 'secrets.json')} is damaged. Remove it`);
    expect(await readFile(join(secrets, 'secrets.json'), 'utf8')).toBe('{');
  });

  it('says that the home cannot be written', async () => {
    const home = await newHome();
    await chmod(home, 0o555);
    // Root may write everywhere.
    const isRoot = process.getuid?.() === 0;
    const output = await failedStart({ home, ...(isRoot && { uid: UNPRIVILEGED_UID }) });
    expect(output).toMatch(/permission denied/i);
    expect(output).toContain(home);
  });

  it('says which variable is wrong', async () => {
    const home = await newHome();
    const url = 'postgres://app:hunter2@127.0.0.1:1/shop';
    const [adapter, host, database] = await Promise.all(
      [
        { TENANTRY_ADAPTER: 'koa' },
        { HOST: '203.0.113.1' },
        { DATABASE_URL: url, JWT_SECRET: 'x'.repeat(32) },
      ].map((env) => failedStart({ home, env })),
    );
    expect(adapter).toBe('The platform did not start.\nTENANTRY_ADAPTER must be express or fastify.\n');
    expect(host).toContain('HOST must be an address of this machine');
    expect(database).toContain("DATABASE_URL: no connection to 127.0.0.1:1 as 'app'");
    expect(database).not.toContain('hunter2');
  });
});
