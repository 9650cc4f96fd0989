import { mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PostgresBinaries } from '../binaries/postgres-binaries.ts';
import { EmbeddedPostgresError, needingAccessTo } from '../errors/embedded-postgres.errors.ts';
import type { ServerUser } from '../placement/server-user.ts';
import type { ClusterFiles } from './cluster-files.ts';
import { runInitdb } from './initdb.ts';

/** What a new cluster is made from. */
export interface NewCluster {
  readonly binaries: PostgresBinaries;
  readonly files: ClusterFiles;
  readonly user: ServerUser | undefined;
  readonly password: string;
  /** Flush the new files to disk before the cluster counts as made. */
  readonly sync: boolean;
}

/**
 * Makes a cluster in a directory beside its place and renames it there, so that a data directory is either whole or
 * not there: a killed initdb leaves nothing that could be taken for data. Call it only while holding the lock.
 */
export async function initialiseCluster({
  binaries,
  files,
  user,
  password,
  sync,
}: NewCluster): Promise<void> {
  await removeUnfinished(files);
  const nest = await needingAccessTo(files.dataDir, () => mkdtemp(files.unfinishedPrefix));
  try {
    const [cluster, passwordFile] = [join(nest, 'cluster'), join(nest, 'password')];
    await writeFile(passwordFile, password, { mode: 0o600 });
    await runInitdb({ initdb: binaries.initdb, nest, cluster, passwordFile, user, sync });
    await moveIntoPlace(cluster, files.dataDir);
  } finally {
    await rm(nest, { recursive: true, force: true });
  }
}

/** A whole cluster is renamed out of its nest, so whatever is still inside one never was complete. */
async function removeUnfinished({ parent, unfinishedPrefix }: ClusterFiles): Promise<void> {
  const left = (await readdir(parent)).filter((name) => name.startsWith(basename(unfinishedPrefix)));
  // An initdb whose starter was killed may still be writing to its nest; the next start gets rid of that.
  await Promise.all(
    left.map((name) => rm(join(parent, name), { recursive: true, force: true }).catch(() => {})),
  );
}

async function moveIntoPlace(cluster: string, dataDir: string): Promise<void> {
  try {
    // Fails on anything but an empty directory, and an absent one is just as good.
    await rmdir(dataDir).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(cluster, dataDir);
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'EMBEDDED_POSTGRES_FAILED',
      `The new cluster could not be moved to ${dataDir}: ${(cause as Error).message}. If the directory is a mount ` +
        'point, name a directory inside it as dataDir.',
      { path: dataDir, cause },
    );
  }
}
