import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { PostgresBinaries } from '../binaries/postgres-binaries.ts';
import { EmbeddedPostgresError, needingAccessTo } from '../errors/embedded-postgres.errors.ts';
import type { ServerUser } from '../placement/server-user.ts';
import { runUnderName } from '../processes/run-under-name.ts';
import type { ClusterFiles } from './cluster-files.ts';
import { corrupt } from './cluster-inspection.ts';

/** Reads the password kept for a cluster. */
export async function findPassword(file: string): Promise<string | undefined> {
  return needingAccessTo(file, async () => {
    try {
      return (await readFile(file, 'utf8')).trim() || undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** Makes a random password and keeps it; the file appears whole, readable by its owner alone. */
export async function keepNewPassword(file: string, password = newPassword()): Promise<string> {
  await needingAccessTo(file, async () => {
    const unfinished = `${file}.${randomBytes(4).toString('hex')}`;
    await writeFile(unfinished, password, { mode: 0o600, flag: 'wx', flush: true });
    await rename(unfinished, file);
  });
  return password;
}

/**
 * Gives the superuser of a stopped cluster a new password: the way back in after the password file was lost. The
 * file is written last, so that a killed run is simply done again.
 */
export async function resetPassword(
  { postgres }: PostgresBinaries,
  { dataDir, password: file }: ClusterFiles,
  user: ServerUser | undefined,
): Promise<string> {
  const password = newPassword();
  const { code, stderr } = await runUnderName(postgres, ['--single', '-D', dataDir, 'postgres'], {
    user,
    input: `ALTER ROLE postgres PASSWORD '${password}';\n`,
  });
  if (/FATAL|PANIC/.test(stderr)) throw corrupt(dataDir, 'PostgreSQL refuses to start on it', stderr.trim());
  // Single-user mode ends well even after a statement that failed.
  if (code === 0 && !stderr.includes('ERROR')) return keepNewPassword(file, password);
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_FAILED',
    `${file} is missing, and no new superuser password could be set in ${dataDir}: ${stderr.trim()}. Nothing was ` +
      'deleted. Put the password file back, or move the directory away for a fresh start.',
    { path: file },
  );
}

/** 192 bits, in characters that need no quoting in SQL or in a URL. */
function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
