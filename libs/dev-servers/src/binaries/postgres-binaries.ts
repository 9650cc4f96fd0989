import { chmod, cp, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';
import { ensureSharedRoot } from '../placement/shared-root.ts';
import type { ServerUser } from '../placement/server-user.ts';
import { runCommand } from '../processes/run-command.ts';
import { findEmbeddedPackage, type EmbeddedPackage } from './embedded-package.ts';
import { ensureLibraryLinks } from './library-links.ts';

/** A PostgreSQL installation that the server user was seen to run. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** The number in `PG_VERSION` of the clusters it makes and reads, for instance `18`. */
  readonly majorVersion: string;
}

/**
 * The binaries in `binDir`, else the embedded ones. Embedded binaries that `user` cannot run, because
 * root's checkout is closed to others, are copied once to a place it can reach.
 *
 * @throws {EmbeddedPostgresError} when there are none for this platform, or they do not run.
 */
export async function resolveBinaries(
  binDir: string | undefined,
  user?: ServerUser,
): Promise<PostgresBinaries> {
  if (binDir !== undefined) return runnable(binDir, user);
  const embedded = findEmbeddedPackage();
  await ensureLibraryLinks(embedded.dir);
  const bin = join(embedded.dir, 'native/bin');
  if (!user) return runnable(bin, user);
  return runnable(bin, user).catch(async () => runnable(join(await readableCopy(embedded), 'bin'), user));
}

async function runnable(binDir: string, user: ServerUser | undefined): Promise<PostgresBinaries> {
  const [postgres, initdb] = ['postgres', 'initdb'].map((name) => join(binDir, name)) as [string, string];
  const results = await Promise.all(
    [postgres, initdb].map((path) => runCommand(path, ['--version'], { user })),
  );
  const majorVersion = /\(PostgreSQL\) (\d+)/.exec(results[0]?.stdout ?? '')?.[1];
  if (majorVersion !== undefined && results.every(({ code }) => code === 0))
    return { postgres, initdb, majorVersion };
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_FAILED',
    `The PostgreSQL binaries in ${binDir} do not run${user ? ` as uid ${user.uid}` : ''}: ` +
      `${results.map(({ stderr }) => stderr.trim()).find(Boolean) ?? 'no version was printed'}. ` +
      'Check binDir (or TENANTRY_POSTGRES_BIN), which must hold postgres and initdb, and that this user may read it.',
    { path: binDir },
  );
}

/** Copied under a temporary name and renamed, so that a copy is whole or absent; the first of several racers wins. */
async function readableCopy(embedded: EmbeddedPackage): Promise<string> {
  const root = await ensureSharedRoot();
  const copy = join(root, `postgresql-${embedded.id}`);
  if (await stat(copy).catch(() => undefined)) return copy;
  const unfinished = await mkdtemp(`${copy}.copy-`);
  try {
    await cp(join(embedded.dir, 'native'), unfinished, { recursive: true, verbatimSymlinks: true });
    await openToReaders(unfinished);
    await rename(unfinished, copy).catch(async (error: unknown) => {
      if (!(await stat(copy).catch(() => undefined))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return copy;
}

/** The modes of the original may be private (an install under umask 077). */
async function openToReaders(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, entry.parentPath.endsWith('/bin') ? 0o755 : 0o644);
  }
}
