import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterFiles } from '../cluster/cluster-files.ts';
import { DirectoryLock } from '../ownership/directory-lock.ts';
import { stopOrphan } from '../ownership/running-postmaster.ts';
import { TEMPORARY_PREFIX, temporaryData } from '../placement/cluster-place.ts';

/**
 * Stops and removes temporary servers in `base` whose starter and supervisor were both killed (`pkill -9 node`): no
 * later start uses their directory, so nobody else would find them. Best effort; touches only directories of
 * this user that carry a lock of ours which nobody holds.
 */
export async function removeAbandonedServers(base: string): Promise<void> {
  const names = (await readdir(base)).filter((name) => name.startsWith(TEMPORARY_PREFIX));
  await Promise.all(names.map((name) => removeIfAbandoned(join(base, name)).catch(() => {})));
}

async function removeIfAbandoned(root: string): Promise<void> {
  if ((await stat(root)).uid !== process.getuid?.()) return;
  const { dataDir, lockPrefix } = clusterFiles(temporaryData(root));
  if (!(await DirectoryLock.exists(lockPrefix))) return;
  if (typeof (await DirectoryLock.acquire(lockPrefix)) === 'number') return;
  await stopOrphan(dataDir);
  await rm(root, { recursive: true, force: true });
}
