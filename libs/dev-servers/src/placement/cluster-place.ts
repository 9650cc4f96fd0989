import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readlink, realpath, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { clusterFiles, type ClusterFiles } from '../cluster/cluster-files.ts';
import {
  EmbeddedPostgresError,
  needingAccessTo,
  REFUSED_DIRECTORY,
} from '../errors/embedded-postgres.errors.ts';
import { canEnter } from './reachability.ts';
import { resolveServerUser, type ServerUser } from './server-user.ts';
import { ensureSharedRoot, SHARED_ROOT } from './shared-root.ts';

/** Where a cluster lives and who runs it. */
export interface ClusterPlace {
  readonly files: ClusterFiles;
  readonly user: ServerUser | undefined;
  /** The real data directory, when it is not where the caller asked for it. */
  readonly relocatedTo?: string;
  /** The directory to remove when the server stops. */
  readonly temporaryRoot?: string;
}

/** Names of directories made by {@link temporaryPlace}. */
export const TEMPORARY_PREFIX = 'tenantry-postgres-';

/** The data directory inside such a directory. */
export function temporaryData(root: string): string {
  return join(root, 'data');
}

/** A new directory for a cluster that goes when its server stops. */
export async function temporaryPlace(): Promise<ClusterPlace> {
  const user = await resolveServerUser();
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (!(await canEnter(user, base))) continue;
    const root = await realpath(await needingAccessTo(base, () => mkdtemp(join(base, TEMPORARY_PREFIX))));
    // The server user passes through to its data; the rest stays ours.
    if (user) await chmod(root, 0o711);
    return { files: clusterFiles(temporaryData(root)), user, temporaryRoot: root };
  }
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE',
    `uid ${user?.uid} can enter neither ${tmpdir()} nor /tmp nor /var/tmp. Set TMPDIR to a directory it can enter.`,
    { path: tmpdir() },
  );
}

/**
 * The place for a cluster that stays. When root starts the server and the server user cannot get to
 * `dataDir`, the cluster goes to {@link SHARED_ROOT} and `dataDir` becomes a link to it.
 *
 * The link is made before its target, and making it is atomic: it alone decides where the data is. A
 * directory that no link leads to any more is left alone, and a new one is taken.
 */
export async function persistentPlace(dataDir: string): Promise<ClusterPlace> {
  const asked = await resolveParent(resolve(dataDir));
  const known = await lstat(asked).catch(() => undefined);
  if (known?.isSymbolicLink()) return placeAt(await followLink(asked), asked);

  const user = await resolveServerUser(asked);
  if (await canEnter(user, dirname(asked))) return { files: clusterFiles(asked), user };
  if (known) throw unreachable(asked, user);
  const target = await freeSharedDirectory(asked);
  await symlink(target, asked).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return placeAt(await followLink(asked), asked);
}

async function placeAt(real: string, asked: string): Promise<ClusterPlace> {
  const shared = real.startsWith(`${SHARED_ROOT}/`);
  if (shared) await ensureSharedRoot();
  const made = await needingAccessTo(
    real,
    () => mkdir(dirname(real), { recursive: true }),
    REFUSED_DIRECTORY,
  );
  if (shared && made) await chmod(dirname(real), 0o755);
  const user = await resolveServerUser(real);
  if (!(await canEnter(user, dirname(real)))) throw unreachable(real, user);
  return { files: clusterFiles(real), user, ...(real !== asked && { relocatedTo: real }) };
}

/** The link's target, which may not exist yet. */
async function followLink(link: string): Promise<string> {
  const target = resolve(dirname(link), await readlink(link));
  return realpath(target).catch(() => target);
}

async function resolveParent(path: string): Promise<string> {
  const parent = dirname(path);
  await needingAccessTo(path, () => mkdir(parent, { recursive: true }), REFUSED_DIRECTORY);
  return join(await realpath(parent), basename(path));
}

async function freeSharedDirectory(asked: string): Promise<string> {
  const name = createHash('sha256').update(asked).digest('hex').slice(0, 16);
  for (let attempt = 1; ; attempt++) {
    const dir = join(SHARED_ROOT, attempt === 1 ? name : `${name}-${attempt}`);
    if (!(await lstat(dir).catch(() => undefined))) return join(dir, 'postgres');
  }
}

function unreachable(path: string, user: ServerUser | undefined): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE',
    `PostgreSQL does not run as root, and uid ${user?.uid}, which runs it instead, cannot enter ${dirname(path)}. ` +
      `Nothing was changed. Open the directories above ${path} to that user (chmod o+x), or move the cluster and ` +
      'name its new place as dataDir.',
    { path },
  );
}
