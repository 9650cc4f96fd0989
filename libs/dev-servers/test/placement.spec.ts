import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { startPostgres } from '../src/index.ts';
import { SHARED_ROOT } from '../src/placement/shared-root.ts';
import { compileSources } from './support/compiled-sources.ts';
import { expectGone, isRoot, processesOf, query, Sandbox } from './support/sandbox.ts';

/** A user id that has no entry in /etc/passwd. */
const NAMELESS = 12_345;

/** Copies of binaries that `compileSources({ closed: true })` gave a version of their own. */
function copiesOfBinaries(): string[] {
  return readdirSync(SHARED_ROOT).filter((name) => name.includes(`0.0.0-test.${process.pid}`));
}

const canRun = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

(isRoot ? describe : describe.skip)('started by root', () => {
  let sandbox: Sandbox;
  const relocated: string[] = [];
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(async () => {
    await sandbox.close();
    for (const dir of relocated) rmSync(dirname(dir), { recursive: true, force: true });
  });

  function closedDirectory(name: string): string {
    const dir = sandbox.path(name);
    mkdirSync(dir);
    chmodSync(dir, 0o700);
    return dir;
  }

  it('the cluster belongs to nobody, and what is kept beside it to root', async () => {
    const dataDir = sandbox.path('owners');
    const server = await startPostgres({ dataDir, durability: 'throwaway' });
    await server.stop();

    expect(statSync(dataDir).uid).toBe(65_534);
    expect(['password', 'log'].map((suffix) => statSync(`${dataDir}.${suffix}`).uid)).toEqual([0, 0]);
  });

  it('a cluster in a closed directory lives elsewhere, and is found through a link in its place', async () => {
    const closed = closedDirectory('closed');
    const dataDir = join(closed, '.tenantry', 'postgres');
    const lines: string[] = [];
    const first = await startPostgres({ dataDir, durability: 'throwaway', log: (line) => lines.push(line) });
    relocated.push(first.relocatedTo!);
    await query(first.url, 'create table kept as select 1 as id');
    await first.stop();

    expect(first).toMatchObject({
      dataDir,
      relocatedTo: expect.stringMatching(`^${SHARED_ROOT}/[0-9a-f]{16}/postgres$`),
    });
    expect(readlinkSync(dataDir)).toBe(first.relocatedTo);
    expect(lines.at(-1)).toBe(`${dataDir} is a link: the data is in ${first.relocatedTo}.`);
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    const second = await startPostgres({ dataDir });
    expect(second.relocatedTo).toBe(first.relocatedTo);
    expect(await query(second.url, 'select id from kept')).toEqual([{ id: 1 }]);
    await expect(startPostgres({ dataDir: first.relocatedTo! })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_IN_USE',
    });
    await second.stop();
  });

  it('a new cluster takes a new directory when the link to the old one was removed, and the old one stays', async () => {
    const dataDir = join(closedDirectory('reset'), 'postgres');
    const first = await startPostgres({ dataDir, durability: 'throwaway' });
    relocated.push(first.relocatedTo!);
    await first.stop();
    rmSync(dataDir);
    const second = await startPostgres({ dataDir, durability: 'throwaway' });
    relocated.push(second.relocatedTo!);
    await second.stop();

    expect(second.relocatedTo).not.toBe(first.relocatedTo);
    expect(existsSync(join(first.relocatedTo!, 'PG_VERSION'))).toBe(true);
  });

  it('two first starts in a closed directory make one link and one cluster', async () => {
    const dataDir = join(closedDirectory('closed-race'), 'postgres');
    const starters = [
      sandbox.start({ dataDir, durability: 'throwaway' }),
      sandbox.start({ dataDir, durability: 'throwaway' }),
    ];
    const outcomes = await Promise.allSettled(starters.map((starter) => starter.server()));
    relocated.push(readlinkSync(dataDir));

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes).toContainEqual(
      expect.objectContaining({ reason: expect.objectContaining({ code: 'EMBEDDED_POSTGRES_IN_USE' }) }),
    );
    await Promise.all(starters.map((starter) => starter.stop()));
  });

  it('a cluster that was moved into a closed directory is refused and stays whole', async () => {
    const open = sandbox.path('open');
    await (await startPostgres({ dataDir: open, durability: 'throwaway' })).stop();
    const moved = join(closedDirectory('moved'), 'postgres');
    renameSync(open, moved);

    await expect(startPostgres({ dataDir: moved })).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE',
      message: expect.stringContaining(`cannot enter ${dirname(moved)}`),
    });
    expect(lstatSync(moved).isDirectory()).toBe(true);
  });

  it('the cluster of an ordinary user goes on running as that user', async () => {
    const user = sandbox.user(65_533);
    const dataDir = join(user.home, 'postgres');
    await (await startPostgres({ dataDir, durability: 'throwaway' })).stop();
    spawnSync('chown', ['-R', '65533:65533', dataDir]);
    const server = await startPostgres({ dataDir });

    expect(statSync(`/proc/${processesOf(dataDir).postmaster}`).uid).toBe(65_533);
    await server.stop();
  });

  it('a temporary cluster avoids a closed TMPDIR', async () => {
    const env = { TMPDIR: closedDirectory('tmp') };
    const starter = sandbox.start({}, { env });

    expect((await starter.server()).dataDir).not.toContain(env.TMPDIR);
    await starter.stop();
    expect(readdirSync(env.TMPDIR)).toEqual([]);
  });

  it('binaries in a closed checkout, without their library links, serve two first starts at once', async () => {
    const sources = compileSources({ closed: true });
    try {
      const starters = [sandbox.start({}, { sources }), sandbox.start({}, { sources })];
      const servers = await Promise.all(starters.map((starter) => starter.server()));

      expect(servers.map(({ version }) => version)).toEqual(['18.4', '18.4']);
      expect(copiesOfBinaries()).toHaveLength(1);
      expect(statSync(sources).mode & 0o777).toBe(0o700);
      await Promise.all(starters.map((starter) => starter.stop()));
    } finally {
      for (const copy of copiesOfBinaries()) rmSync(join(SHARED_ROOT, copy), { recursive: true });
      rmSync(sources, { recursive: true });
    }
  });

  it('a private umask hinders nothing', async () => {
    const dataDir = sandbox.path('umask', 'deep', 'postgres');
    const wrapper = ['/bin/sh', '-c', 'umask 077; exec "$@"', 'sh'];
    const starters = [
      sandbox.start({}, { wrapper }),
      sandbox.start({ dataDir, durability: 'throwaway' }, { wrapper }),
    ];
    const [, { relocatedTo }] = await Promise.all([starters[0]!.server(), starters[1]!.server()]);
    if (relocatedTo) relocated.push(relocatedTo);

    await Promise.all(starters.map((starter) => starter.stop()));
    expect(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8')).toBe('18\n');
  });

  // The server needs no entry in /etc/passwd, since ids are numeric; initdb insists on a name for its id, and borrows
  // one. Shown with another /etc/passwd in a mount namespace, where the kernel lets us make one.
  (canRun('unshare', '--mount', 'true') ? describe : describe.skip)(
    'where /etc/passwd knows few users',
    () => {
      // systemd's name service knows `nobody` even when the file does not.
      const mounts =
        'mount --bind "$0" /etc/passwd && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"';
      const withUsers = (name: string, ...users: string[]) => {
        const [passwd, nsswitch] = [sandbox.path(`${name}-passwd`), sandbox.path(`${name}-nsswitch`)];
        writeFileSync(passwd, users.map((user) => `${user}::/:/bin/sh\n`).join(''));
        writeFileSync(nsswitch, 'passwd: files\n');
        return { wrapper: ['unshare', '--mount', '/bin/sh', '-c', mounts, passwd, nsswitch] };
      };

      it('needs neither postgres nor nobody', async () => {
        const dataDir = sandbox.path('no-nobody');
        const context = withUsers('few', 'root:x:0:0', 'daemon:x:1:1');
        const starter = sandbox.start({ dataDir, durability: 'throwaway' }, context);
        await starter.server();

        expect(statSync(`/proc/${processesOf(dataDir).postmaster}`).uid).toBe(65_534);
        expect(statSync(join(dataDir, 'base/1')).uid).toBe(65_534);
        await starter.stop();
      });

      it('says so when there is nobody but root', async () => {
        const passwd = sandbox.path('passwd-root');
        writeFileSync(passwd, 'root:x:0:0::/root:/bin/sh\n');
        const dataDir = sandbox.path('only-root');
        const refusal = await sandbox
          .start({ dataDir, durability: 'throwaway' }, withUsers('one', 'root:x:0:0'))
          .refusal();

        expect(refusal).toMatchObject({
          code: 'EMBEDDED_POSTGRES_FAILED',
          message: expect.stringContaining('could not look up effective user ID 65534'),
        });
      });
    },
  );

  // What containers usually take from root: it may not look into processes of other users.
  const blind = ['setpriv', '--bounding-set', '-sys_ptrace'];
  (canRun(blind[0]!, ...blind.slice(1), 'true') ? describe : describe.skip)('without CAP_SYS_PTRACE', () => {
    it('an orphan is recognised all the same', async () => {
      const dataDir = sandbox.path('blind');
      const killed = sandbox.start({ dataDir, durability: 'throwaway' }, { wrapper: blind });
      await killed.server();
      const { postmaster, supervisor } = processesOf(dataDir);
      process.kill(supervisor, 'SIGKILL');
      await killed.kill('SIGKILL');
      await expectGone(supervisor);
      const next = sandbox.start({ dataDir, durability: 'throwaway' }, { wrapper: blind });

      expect(await next.server()).toMatchObject({ recovered: true });
      await expectGone(postmaster);
      await next.stop();
    });
  });
});

/** Binaries and sources are used in place, so this user must be able to read them. */
function canReadCheckout(uid: number): boolean {
  const context = { cwd: import.meta.dirname, uid, gid: uid };
  return spawnSync(process.execPath, ['-e', `require('pg')`], context).status === 0;
}

function ordinaryUsers(): number[] {
  if (!isRoot) return [process.getuid!()];
  const canBorrowName = canRun(
    'setpriv',
    '--reuid',
    String(NAMELESS),
    'unshare',
    '--user',
    '--map-user=1',
    'true',
  );
  return [65_534, ...(canBorrowName ? [NAMELESS] : [])].filter(canReadCheckout);
}

(ordinaryUsers().length > 0 ? describe : describe.skip)('started by an ordinary user', () => {
  let sandbox: Sandbox;
  beforeAll(() => (sandbox = new Sandbox()));
  afterAll(() => sandbox.close());

  it.each(ordinaryUsers())('as uid %i: a cluster is made, kept, and recovered', async (uid) => {
    const user = isRoot ? sandbox.user(uid) : { uid, home: sandbox.path(`home-${uid}`) };
    const dataDir = join(user.home, '.tenantry', 'postgres');
    const context = isRoot ? { user } : {};
    const first = sandbox.start({ dataDir, durability: 'throwaway' }, context);
    const server = await first.server();
    expect(server).not.toHaveProperty('relocatedTo');
    await query(server.url, 'create table kept as select 1 as id');
    const { postmaster, supervisor } = processesOf(dataDir);
    expect(statSync(`/proc/${postmaster}`).uid).toBe(uid);
    process.kill(supervisor, 'SIGKILL');
    await first.kill('SIGKILL');
    await expectGone(supervisor);

    const second = sandbox.start({ dataDir, durability: 'throwaway' }, context);
    const { url, recovered } = await second.server();
    expect(recovered).toBe(true);
    expect(await query(url, 'select id from kept')).toEqual([{ id: 1 }]);
    await second.stop();
  });
});
