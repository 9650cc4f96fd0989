import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '@tenantry/dev-servers/testing';
import type { Api } from './support/api.js';
import {
  build,
  makeHome,
  PlatformProcess,
  processesOf,
  removeHome,
  untilNoProcessOf,
} from './support/platform-process.js';

let home: string;

beforeAll(async () => {
  await build();
  home = await makeHome();
}, 180_000);
afterAll(() => removeHome(home));

async function start(adapter = 'express'): Promise<PlatformProcess> {
  return new PlatformProcess({ home, env: { TENANTRY_ADAPTER: adapter } }, await findFreePort());
}

/** Sends the head of a request whose body comes later. */
async function beginRequest(api: Api): Promise<{ finish: () => Promise<string>; answer: () => string }> {
  const body = JSON.stringify({ email: 'owner@acme.test', password: 'demo' });
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    `POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  await delay(100);
  return {
    answer: () => answer,
    finish: async () => {
      socket.write(body);
      if (!socket.closed) await once(socket, 'close');
      return answer;
    },
  };
}

describe('stopping', () => {
  it.each(['express', 'fastify'])('lets a request in progress finish, on %s', async (adapter) => {
    const platform = await start(adapter);
    const api = await platform.ready();
    const request = await beginRequest(api);
    platform.kill('SIGINT');
    await platform.untilPrinted('Stopping');
    await delay(100);
    await expect(api.call('/health/live')).rejects.toThrow('fetch failed');
    const answer = await request.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('accessToken');
    expect((await platform.exited).code).toBe(0);
    expect(await processesOf(home)).toEqual([]);
  });

  it('hurries at the second Ctrl-C', async () => {
    const platform = await start();
    const request = await beginRequest(await platform.ready());
    platform.kill('SIGINT');
    await platform.untilPrinted('Stopping');
    await delay(700);
    const hurriedAtMs = performance.now();
    expect(await platform.stop('SIGINT')).toBe(0);
    expect(performance.now() - hurriedAtMs).toBeLessThan(3_000);
    expect(request.answer()).toBe('');
    expect(await processesOf(home)).toEqual([]);
  });

  it('happens by itself, with code 1 and a reason, when PostgreSQL ends', async () => {
    const platform = await start();
    await platform.ready();
    const postmaster = Number((await readFile(join(home, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
    process.kill(postmaster, 'SIGQUIT');
    expect((await platform.exited).code).toBe(1);
    expect(platform.output).toContain('The embedded PostgreSQL ended by itself');
    await untilNoProcessOf(home);
    const again = await start();
    expect((await (await again.ready()).call('/health/ready')).status).toBe(200);
    expect(await again.stop()).toBe(0);
  });
});
