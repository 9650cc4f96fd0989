import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { startPostgres } from '../src/index.ts';
import { waitUntil } from '../src/processes/wait-until.ts';
import { expectGone, processesOf, query, Sandbox } from './support/sandbox.ts';

describe('a supervised server', () => {
  let sandbox: Sandbox;
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(() => sandbox.close());

  it.each([
    ['is killed', 'SIGKILL'],
    ['is terminated', 'SIGTERM'],
    ['is interrupted with Ctrl-C, together with its group', 'SIGINT'],
    ['has nothing more to do', undefined],
  ] as const)('ends when its starter %s, with every commit on disk', async (_, signal) => {
    const dataDir = sandbox.path(`durable-${signal}`);
    const starter = sandbox.start({ dataDir });
    const { url } = await starter.server();
    const { postmaster, supervisor } = processesOf(dataDir);
    await query(url, 'create table kept as select 1 as id');
    await (signal ? starter.killGroup(signal) : starter.leave());
    await expectGone(postmaster);
    await expectGone(supervisor);

    const again = await startPostgres({ dataDir });
    expect(again.recovered).toBe(false);
    expect(await query(again.url, 'select id from kept')).toEqual([{ id: 1 }]);
    await again.stop();
  });

  it('is not ended by signals to its supervisor', async () => {
    const server = await startPostgres();
    const { supervisor } = processesOf(server.dataDir);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(supervisor, signal);

    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    await expectGone(supervisor);
    expect(await server.exited).toMatchObject({ code: 0 });
  });

  it('that is temporary leaves no directory when its starter is killed', async () => {
    const starter = sandbox.start({});
    const { dataDir } = await starter.server();
    const { postmaster, supervisor } = processesOf(dataDir);
    await starter.kill('SIGKILL');
    await expectGone(postmaster);
    await expectGone(supervisor);

    expect(existsSync(dirname(dataDir))).toBe(false);
  });

  it('tells its starter when it ends by itself, with the last lines of its log', async () => {
    const dataDir = sandbox.path('ends-by-itself');
    const server = await startPostgres({ dataDir, durability: 'throwaway' });
    const { postmaster, supervisor } = processesOf(dataDir);
    process.kill(postmaster, 'SIGQUIT');

    expect(await server.exited).toMatchObject({
      code: 0,
      signal: null,
      logTail: expect.stringContaining('received immediate shutdown request'),
    });
    await expectGone(supervisor);
    await server.stop();
    const again = await startPostgres({ dataDir });
    expect(again.recovered).toBe(true);
    await again.stop();
  });

  it('tells the signal that killed it, and removes a temporary cluster all the same', async () => {
    const server = await startPostgres();
    process.kill(processesOf(server.dataDir).postmaster, 'SIGKILL');

    expect(await server.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(existsSync(dirname(server.dataDir))).toBe(false);
  });

  it('is stopped by its starter when only the supervisor is killed', async () => {
    const dataDir = sandbox.path('supervisor-killed');
    const server = await startPostgres({ dataDir });
    const { postmaster, supervisor } = processesOf(dataDir);
    process.kill(supervisor, 'SIGKILL');

    expect(await server.exited).toMatchObject({
      signal: 'SIGKILL',
      logTail: expect.stringContaining('database system is shut down'),
    });
    await expectGone(postmaster);
  });

  it('is recovered by the next start when starter and supervisor are killed, without losing a commit', async () => {
    const dataDir = sandbox.path('both-killed');
    const starter = sandbox.start({ dataDir });
    const { url } = await starter.server();
    const { postmaster, supervisor } = processesOf(dataDir);
    await query(url, 'create table kept as select generate_series(1, 1000) as id');
    process.kill(supervisor, 'SIGKILL');
    await starter.kill('SIGKILL');
    await expectGone(supervisor);
    process.kill(postmaster, 0);

    const lines: string[] = [];
    const next = await startPostgres({ dataDir, log: (line) => lines.push(line) });
    expect(next.recovered).toBe(true);
    expect(lines[0]).toContain('an earlier run left behind');
    expect(processesOf(dataDir).postmaster).not.toBe(postmaster);
    expect(await query(next.url, 'select count(*)::int as rows from kept')).toEqual([{ rows: 1000 }]);
    await expectGone(postmaster);
    await next.stop();
  });

  it('that is temporary and was abandoned is ended and removed by the next temporary start', async () => {
    const starter = sandbox.start({});
    const { dataDir } = await starter.server();
    const { postmaster, supervisor } = processesOf(dataDir);
    process.kill(supervisor, 'SIGKILL');
    await starter.kill('SIGKILL');
    await expectGone(supervisor);

    const next = await startPostgres();
    await expectGone(postmaster);
    expect(await waitUntil(() => !existsSync(dirname(dataDir)), 5_000)).toBe(true);
    await next.stop();
  });
});
