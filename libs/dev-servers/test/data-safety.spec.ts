import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startPostgres } from '../src/index.ts';
import { waitUntil } from '../src/processes/wait-until.ts';
import { fingerprint, isRoot, query, Sandbox } from './support/sandbox.ts';

describe('data that cannot be used', () => {
  let sandbox: Sandbox;
  let sound: string;
  beforeAll(async () => {
    sandbox = new Sandbox();
    sound = sandbox.path('sound');
    await (await startPostgres({ dataDir: sound, durability: 'throwaway' })).stop();
  });
  afterAll(() => sandbox.close());

  /** A copy of a sound cluster, with the same owners and modes. */
  function copyOfSound(name: string): string {
    const copy = sandbox.path(name);
    // Node's cp does not keep owners.
    execFileSync('cp', ['-a', sound, copy]);
    execFileSync('cp', ['-a', `${sound}.password`, `${copy}.password`]);
    return copy;
  }

  it.each<[string, (dir: string) => void, string]>([
    [
      'without pg_control',
      (dir) => rmSync(join(dir, 'global/pg_control')),
      'pg_control is missing or damaged',
    ],
    [
      'with a short pg_control',
      (dir) => writeFileSync(join(dir, 'global/pg_control'), 'short'),
      'missing or damaged',
    ],
    [
      'with garbage for pg_control',
      (dir) => writeFileSync(join(dir, 'global/pg_control'), Buffer.alloc(8192, 7)),
      'refuses to start on it',
    ],
    ['without PG_VERSION', (dir) => rmSync(join(dir, 'PG_VERSION')), 'no valid PG_VERSION'],
    [
      'with a garbled PG_VERSION',
      (dir) => writeFileSync(join(dir, 'PG_VERSION'), '\0\0'),
      'no valid PG_VERSION',
    ],
    ['with damaged transaction logs', damageWal, 'refuses to start on it'],
  ])('is left as it was: a cluster %s', async (name, damage, reason) => {
    const dataDir = copyOfSound(name.replaceAll(' ', '-'));
    damage(dataDir);
    const before = fingerprint(dataDir);

    await expect(startPostgres({ dataDir, durability: 'throwaway' })).rejects.toMatchObject({
      name: 'EmbeddedPostgresError',
      code: 'EMBEDDED_POSTGRES_DATA_CORRUPT',
      path: dataDir,
      message: expect.stringMatching(new RegExp(`${reason}[^]*Nothing was deleted: move the directory away`)),
    });
    expect(fingerprint(dataDir)).toEqual(before);
  });

  it('quotes what PostgreSQL said', async () => {
    const dataDir = copyOfSound('quoted');
    damageWal(dataDir);
    await expect(startPostgres({ dataDir, durability: 'throwaway' })).rejects.toThrow(
      /PANIC: {2}could not locate a valid checkpoint record/,
    );
  });

  it('is left as it was when its password is lost as well', async () => {
    const dataDir = copyOfSound('no-password');
    damageWal(dataDir);
    rmSync(`${dataDir}.password`);
    const before = fingerprint(dataDir);

    await expect(startPostgres({ dataDir, durability: 'throwaway' })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_DATA_CORRUPT',
    });
    expect(fingerprint(dataDir)).toEqual(before);
    expect(existsSync(`${dataDir}.password`)).toBe(false);
  });

  it('is left as it was: a directory with other files, and a file', async () => {
    const [directory, file] = [sandbox.path('photos'), sandbox.path('file')];
    mkdirSync(directory);
    writeFileSync(join(directory, 'holiday.jpg'), 'not a database');
    writeFileSync(file, 'not a directory');

    await expect(startPostgres({ dataDir: directory })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_DATA_CORRUPT',
    });
    await expect(startPostgres({ dataDir: file })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_DATA_CORRUPT',
    });
    expect(readdirSync(directory)).toEqual(['holiday.jpg']);
    expect(readFileSync(file, 'utf8')).toBe('not a directory');
  });

  it('is left as it was: a cluster of another major version', async () => {
    const dataDir = copyOfSound('version');
    writeFileSync(join(dataDir, 'PG_VERSION'), '14\n');
    const before = fingerprint(dataDir);

    await expect(startPostgres({ dataDir, durability: 'throwaway' })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_DATA_VERSION',
      message: expect.stringContaining('made by PostgreSQL 14, and these binaries are 18'),
    });
    expect(fingerprint(dataDir)).toEqual(before);
  });
});

describe('data that can be used', () => {
  let sandbox: Sandbox;
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(() => sandbox.close());

  it('is never the half-made cluster of a killed initdb', async () => {
    const dataDir = sandbox.path('half', 'postgres');
    const starter = sandbox.start({ dataDir });
    const unfinished = () => existsSync(dirname(dataDir)) && readdirSync(dirname(dataDir)).some(isUnfinished);
    expect(await waitUntil(unfinished, 10_000)).toBe(true);
    await starter.kill('SIGKILL');

    expect(existsSync(dataDir)).toBe(false);
    const server = await startPostgres({ dataDir, durability: 'throwaway' });
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
  });

  it('is made after what an interrupted initdb left was cleared away', async () => {
    const dataDir = sandbox.path('cleared', 'postgres');
    mkdirSync(`${dataDir}.init-abc123/cluster/base`, { recursive: true });
    writeFileSync(`${dataDir}.init-abc123/cluster/PG_VERSION`, '18\n');
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();

    expect(readdirSync(dirname(dataDir)).filter(isUnfinished)).toEqual([]);
  });

  it('may start from an empty directory', async () => {
    const dataDir = sandbox.path('empty');
    mkdirSync(dataDir);
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();

    expect(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8')).toBe('18\n');
  });

  it('survives the loss of its password file', async () => {
    const dataDir = sandbox.path('forgotten');
    const first = await startPostgres({ dataDir, durability: 'throwaway' });
    await query(first.url, 'create table kept as select 1 as id');
    await first.stop();
    rmSync(`${dataDir}.password`);
    const second = await startPostgres({ dataDir, durability: 'throwaway' });

    expect(await query(second.url, 'select id from kept')).toEqual([{ id: 1 }]);
    expect(new URL(second.url).password).not.toBe(new URL(first.url).password);
    await second.stop();
  });

  it('explains a password file that does not fit, without its content', async () => {
    const dataDir = sandbox.path('wrong-password');
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
    writeFileSync(`${dataDir}.password`, 'not-the-password');
    const error: unknown = await startPostgres({ dataDir, durability: 'throwaway' }).catch(
      (reason: unknown) => reason,
    );

    expect(error).toMatchObject({ code: 'EMBEDDED_POSTGRES_FAILED', path: `${dataDir}.password` });
    expect((error as Error).message).not.toContain('not-the-password');
  });

  it('is not looked for where this user may not write', async () => {
    const closed = sandbox.path('closed');
    mkdirSync(closed);
    chmodSync(closed, 0o555);
    const context = isRoot ? { user: sandbox.user(65_534) } : {};
    const refusal = await sandbox.start({ dataDir: join(closed, 'postgres') }, context).refusal();

    expect(refusal).toMatchObject({
      code: 'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE',
      message: expect.stringContaining(closed),
    });
    writeFileSync(sandbox.path('file'), 'not a directory');
    const inFile = await sandbox.start({ dataDir: sandbox.path('file/postgres') }).refusal();
    expect(inFile.code).toBe('EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE');
    const below = await sandbox.start({ dataDir: join(closed, 'a/b/postgres') }, context).refusal();
    expect(below.code).toBe('EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE');
    expect(readdirSync(closed)).toEqual([]);
  });
});

function isUnfinished(name: string): boolean {
  return name.startsWith('postgres.init-');
}

/** The record a start begins with is unreadable. */
function damageWal(dataDir: string): void {
  const wal = join(dataDir, 'pg_wal');
  for (const entry of readdirSync(wal, { withFileTypes: true })) {
    if (entry.isFile()) writeFileSync(join(wal, entry.name), Buffer.alloc(16 * 1024 * 1024));
  }
}
