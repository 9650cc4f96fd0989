import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError, needingAccessTo } from '../errors/embedded-postgres.errors.ts';

/** @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_control.h PG_CONTROL_FILE_SIZE */
const CONTROL_FILE_BYTES = 8192;

/**
 * Looks at a data directory without touching it.
 *
 * @returns whether there is a whole cluster, an empty directory, or nothing.
 * @throws {EmbeddedPostgresError} `EMBEDDED_POSTGRES_DATA_CORRUPT` for anything else,
 *   `EMBEDDED_POSTGRES_DATA_VERSION` for a cluster of another major version.
 */
export async function inspectCluster(
  dataDir: string,
  majorVersion: string,
): Promise<'cluster' | 'empty' | 'absent'> {
  const entries = await entriesOf(dataDir);
  if (entries === undefined) return 'absent';
  if (entries.length === 0) return 'empty';

  const version = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (!/^\d+(\.\d+)?$/.test(version)) throw corrupt(dataDir, 'it is not empty and has no valid PG_VERSION');
  if (version !== majorVersion) {
    throw new EmbeddedPostgresError(
      'EMBEDDED_POSTGRES_DATA_VERSION',
      `The cluster in ${dataDir} was made by PostgreSQL ${version}, and these binaries are ${majorVersion}. ` +
        `Nothing was changed. Name binaries of ${version} (binDir or TENANTRY_POSTGRES_BIN) to use or dump it, or move ` +
        'the directory away for a fresh start.',
      { path: dataDir },
    );
  }
  const control = await stat(join(dataDir, 'global/pg_control')).catch(() => undefined);
  if (control?.size !== CONTROL_FILE_BYTES)
    throw corrupt(dataDir, 'its global/pg_control is missing or damaged');
  return 'cluster';
}

/** A cluster that cannot be used. The message quotes the last lines of the server's log, where there are any. */
export function corrupt(dataDir: string, reason: string, logTail = ''): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_DATA_CORRUPT',
    `${dataDir} is no usable PostgreSQL cluster: ${reason}.${logTail && `\n${logTail}\n`} Nothing was deleted: move ` +
      'the directory away for a fresh start, or put a backup in its place.',
    { path: dataDir },
  );
}

async function entriesOf(dataDir: string): Promise<string[] | undefined> {
  try {
    return await needingAccessTo(dataDir, () => readdir(dataDir));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw corrupt(dataDir, 'it is not a directory');
    throw error;
  }
}
