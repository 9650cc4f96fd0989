import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { startPostgres } from '../src/index.ts';
import { cloneUrl } from '../src/testing/index.ts';
import { processesOf, query, Sandbox } from './support/sandbox.ts';

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';

describe('startPostgres', () => {
  let sandbox: Sandbox;
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(() => sandbox.close());

  it('keeps the data of a dataDir from one start to the next', async () => {
    const dataDir = sandbox.path('kept', 'postgres');
    const lines: string[] = [];
    const first = await startPostgres({ dataDir, log: (line) => lines.push(line) });
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await startPostgres({ dataDir });

    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect(second).toMatchObject({
      dataDir,
      host: '127.0.0.1',
      version: '18.4',
      recovered: false,
      url: first.url.replace(String(first.port), String(second.port)),
    });
    expect(second).not.toHaveProperty('relocatedTo');
    expect(lines).toEqual([
      expect.stringContaining('new PostgreSQL 18 cluster'),
      expect.stringContaining(`127.0.0.1:${first.port}`),
    ]);
    expect(lines.join()).not.toContain(new URL(first.url).password);
    await second.stop();
  });

  it('runs durable data with fsync, as an ordinary user, reachable on 127.0.0.1 alone', async () => {
    const dataDir = sandbox.path('durable');
    const server = await startPostgres({ dataDir, settings: { work_mem: '7MB', listen_addresses: '*' } });
    const { postmaster } = processesOf(dataDir);

    expect(
      await query(
        server.url,
        `select string_agg(format('%s=%s', name, setting), ' ' order by name) as is from pg_settings where name in
         ('fsync', 'listen_addresses', 'max_connections', 'unix_socket_directories', 'wal_level', 'work_mem')`,
      ),
    ).toEqual([
      {
        is: 'fsync=on listen_addresses=127.0.0.1 max_connections=200 unix_socket_directories= wal_level=replica work_mem=7168',
      },
    ]);
    expect(
      await query(
        server.url,
        `select datcollate, pg_encoding_to_char(encoding) as encoding from pg_database where datname = 'postgres'`,
      ),
    ).toEqual([{ datcollate: 'C', encoding: 'UTF8' }]);
    expect(statSync(`/proc/${postmaster}`).uid).not.toBe(0);
    await server.stop();
  });

  it('asks for the random password, which it keeps for its owner only', async () => {
    const dataDir = sandbox.path('secret');
    const server = await startPostgres({ dataDir, durability: 'throwaway' });
    const password = readFileSync(`${dataDir}.password`, 'utf8');

    expect(password).toMatch(/^[\w-]{32}$/);
    expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600);
    await expect(query(cloneUrl(server.url, { password: 'guess' }), 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
    await server.stop();
  });

  it('removes a temporary cluster when it is stopped', async () => {
    const server = await startPostgres();
    expect(await query(server.url, 'show fsync')).toEqual([{ fsync: 'off' }]);
    expect(existsSync(server.dataDir)).toBe(true);
    await Promise.all([server.stop(), server.stop()]);

    expect(existsSync(dirname(server.dataDir))).toBe(false);
    expect(await server.exited).toMatchObject({ code: 0, signal: null });
  });

  it('names a fixed port that another program listens on, and leaves the data startable', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const dataDir = sandbox.path('port');
    await expect(startPostgres({ dataDir, port })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_PORT_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    other.close();
    await once(other, 'close');
    const server = await startPostgres({ dataDir, port });

    expect(server.port).toBe(port);
    await server.stop();
  });

  it('says which setting is wrong instead of blaming the data', async () => {
    const dataDir = sandbox.path('settings');
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
    const start = startPostgres({ dataDir, settings: { no_such_setting: '1' } });

    await expect(start).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_FAILED',
      message: expect.stringContaining('no_such_setting'),
    });
  });

  it('gives up after startTimeoutMs and leaves no server behind', async () => {
    const dataDir = sandbox.path('slow');
    await expect(startPostgres({ dataDir, startTimeoutMs: 1 })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_START_TIMEOUT',
    });
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
    await (await startPostgres({ dataDir })).stop();
  });

  it('refuses options that cannot work before anything is touched', async () => {
    await expect(startPostgres({ dataDir: sandbox.path('never'), port: 70_000 })).rejects.toThrow(
      'port must be a whole number',
    );
    await expect(startPostgres({ dataDir: sandbox.path('never'), startTimeoutMs: 0 })).rejects.toThrow(
      'startTimeoutMs must be greater than 0',
    );
    await expect(startPostgres({ dataDir: '' })).rejects.toThrow('dataDir is empty');
    await expect(startPostgres({ binDir: sandbox.path('never') })).rejects.toThrow('Check binDir');
    expect(existsSync(sandbox.path('never'))).toBe(false);
  });

  // PostgreSQL 15 as Debian packages it.
  (existsSync(DEBIAN_15) ? describe : describe.skip)('with binDir', () => {
    it('runs other binaries, and refuses their data with its own', async () => {
      const dataDir = sandbox.path('debian');
      const server = await startPostgres({ dataDir, binDir: DEBIAN_15, durability: 'throwaway' });
      expect(server.version).toMatch(/^15\./);
      await server.stop();

      await expect(startPostgres({ dataDir })).rejects.toMatchObject({
        code: 'EMBEDDED_POSTGRES_DATA_VERSION',
        path: dataDir,
      });
    });
  });
});
