import { chmod, lstat, mkdir } from 'node:fs/promises';
import { EmbeddedPostgresError, needingAccessTo } from '../errors/embedded-postgres.errors.ts';

/** Where root keeps what another user must reach and the checkout hides. */
export const SHARED_ROOT = '/var/lib/tenantry';

/**
 * Makes sure that {@link SHARED_ROOT} exists, is root's alone to write and everybody's to read.
 *
 * @throws {EmbeddedPostgresError} when it cannot be made, or belongs to somebody else.
 */
export async function ensureSharedRoot(): Promise<string> {
  await needingAccessTo(SHARED_ROOT, async () => {
    // Only what was made here gets its mode set (a umask may have taken bits away).
    if (await mkdir(SHARED_ROOT, { recursive: true })) await chmod(SHARED_ROOT, 0o755);
  });
  const found = await lstat(SHARED_ROOT);
  if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return SHARED_ROOT;
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE',
    `${SHARED_ROOT} would hold the data of a server started by root, but others may write to it. Give it to root ` +
      `(chown root, chmod 755), or choose a dataDir that uid 65534 can reach.`,
    { path: SHARED_ROOT },
  );
}
