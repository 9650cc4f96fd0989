import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findEmbeddedPackage } from '../src/binaries/embedded-package.ts';
import { startPostgres } from '../src/index.ts';
import { DirectoryLock } from '../src/ownership/directory-lock.ts';
import { readPostmasterFile } from '../src/ownership/running-postmaster.ts';
import { resolveServerUser } from '../src/placement/server-user.ts';
import { findFreePort } from '../src/server/free-port.ts';
import { waitUntil } from '../src/processes/wait-until.ts';
import { expectGone, query, Sandbox } from './support/sandbox.ts';

describe('a data directory', () => {
  let sandbox: Sandbox;
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(() => sandbox.close());

  it('is won by one of two processes that start on it at once; the other names the winner', async () => {
    const dataDir = sandbox.path('race');
    const starters = [
      sandbox.start({ dataDir, durability: 'throwaway' }),
      sandbox.start({ dataDir, durability: 'throwaway' }),
    ];
    const outcomes = await Promise.allSettled(starters.map((starter) => starter.server()));
    const winner = starters[outcomes.findIndex(({ status }) => status === 'fulfilled')]!;

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: {
        name: 'EmbeddedPostgresError',
        code: 'EMBEDDED_POSTGRES_IN_USE',
        pid: winner.pid,
        path: dataDir,
        message: expect.stringContaining(`pid ${winner.pid}`),
      },
    });
    await winner.stop();
  });

  it('is free again after stop, also for the same process', async () => {
    const dataDir = sandbox.path('again');
    const first = await startPostgres({ dataDir, durability: 'throwaway' });
    await expect(startPostgres({ dataDir, durability: 'throwaway' })).rejects.toMatchObject({
      pid: process.pid,
    });
    await first.stop();

    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
  });

  it('is free after a start that failed', async () => {
    const dataDir = sandbox.path('failed');
    await expect(
      startPostgres({ dataDir, durability: 'throwaway', settings: { port_typo: '1' } }),
    ).rejects.toThrow('port_typo');

    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
  });

  it('that a server of somebody else works in is left alone', async () => {
    const dataDir = sandbox.path('foreign');
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
    const postgres = join(findEmbeddedPackage().dir, 'native/bin/postgres');
    const port = `port=${await findFreePort()}`;
    const settings = [port, 'unix_socket_directories='].flatMap((setting) => ['-c', setting]);
    const foreign = spawn(postgres, ['-D', dataDir, ...settings], {
      ...(await resolveServerUser()),
      stdio: 'ignore',
    });
    const ended = once(foreign, 'exit');
    const isReady = async () => (await readPostmasterFile(dataDir))?.ready === true;
    expect(await waitUntil(isReady, 10_000)).toBe(true);

    await expect(startPostgres({ dataDir, durability: 'throwaway' })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_IN_USE',
      pid: foreign.pid,
    });
    expect(foreign.exitCode).toBeNull();
    foreign.kill('SIGINT');
    await ended;
  });

  it('whose postmaster.pid names another program is started, and that program lives on', async () => {
    const dataDir = sandbox.path('stale-pid');
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
    // A program of the same user, which PostgreSQL alone would take for a postmaster.
    const bystander = spawn('sleep', ['60'], { ...(await resolveServerUser()) });
    writeFileSync(join(dataDir, 'postmaster.pid'), `${bystander.pid}\n${dataDir}\n`);
    const server = await startPostgres({ dataDir, durability: 'throwaway' });

    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(bystander.exitCode).toBeNull();
    await server.stop();
    bystander.kill();
    await expectGone(bystander.pid!);
  });
});

describe('DirectoryLock', () => {
  let sandbox: Sandbox;
  let prefix: string;
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(() => sandbox.close());
  beforeEach(() => {
    const dir = sandbox.path(String(Math.random()));
    mkdirSync(dir);
    prefix = join(dir, 'lock.');
  });

  it('is given to one of many that ask at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => DirectoryLock.acquire(prefix)));

    expect(outcomes.filter((outcome) => outcome instanceof DirectoryLock)).toHaveLength(1);
    expect(new Set(outcomes.filter((outcome) => typeof outcome === 'number'))).toEqual(
      new Set([process.pid]),
    );
  });

  it.each([
    ['a process that is gone', { pid: 2 ** 22 + 1, started: 'x' }],
    ['an earlier process with the id of a living one', { pid: process.pid, started: 'an earlier boot/1' }],
    ['nobody any more', { pid: 0 }],
  ])('is free when it belongs to %s', async (_, record) => {
    writeFileSync(`${prefix}7`, JSON.stringify(record));

    expect(await DirectoryLock.acquire(prefix)).toBeInstanceOf(DirectoryLock);
  });

  it('of a dead process is taken by one of many', async () => {
    writeFileSync(`${prefix}3`, JSON.stringify({ pid: 2 ** 22 + 1 }));
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => DirectoryLock.acquire(prefix)));

    expect(outcomes.filter((outcome) => outcome instanceof DirectoryLock)).toHaveLength(1);
  });
});
