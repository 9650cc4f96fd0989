import { stat } from 'node:fs/promises';

/** The numeric user and group PostgreSQL runs under. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY: ServerUser = { uid: 65_534, gid: 65_534 };

/**
 * Whom to run PostgreSQL as, since it refuses to run as root: undefined (the caller itself) for an ordinary
 * user; for root the owner of an existing cluster, else `nobody`. The ids are numeric, so no such user needs
 * to exist.
 */
export async function resolveServerUser(existingDataDir?: string): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner =
    existingDataDir === undefined ? undefined : await stat(existingDataDir).catch(() => undefined);
  return owner?.isDirectory() && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : NOBODY;
}
