import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';
import { commandLine, isAlive, programName, workingDirectory } from '../processes/process-identity.ts';
import { waitUntil } from '../processes/wait-until.ts';

/**
 * A setting without meaning to PostgreSQL: on a command line it says that this package started the server. Together
 * with the directory lock it proves an orphan: whoever started that server held the lock, and we hold it now.
 */
export const STARTED_BY_US = 'tenantry.supervised=yes';

/** What `postmaster.pid` says. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/** @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h for the lines */
export async function readPostmasterFile(dataDir: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7] === 'ready' };
}

/** The ways a postmaster is asked to end, in the order they are tried, and how long each is given. */
const ORPHAN_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;
const PATIENCE_MS = 10_000;

/**
 * Stops the server an earlier, killed owner of `dataDir` left running: fast shutdown first. Call it only while
 * holding the directory's lock.
 *
 * @returns true when there was one.
 * @throws {EmbeddedPostgresError} `EMBEDDED_POSTGRES_IN_USE` when a server runs there that this package did not start.
 */
export async function stopOrphan(dataDir: string): Promise<boolean> {
  const found = await readPostmasterFile(dataDir);
  if (!found) return false;
  const { pid } = found;
  if (!(await isPostmasterOf(pid, dataDir))) {
    await removeStaleFile(dataDir, pid);
    return false;
  }
  if (!(await commandLine(pid)).includes(STARTED_BY_US)) throw inUse(dataDir, pid, 'a PostgreSQL server');

  for (const signal of ORPHAN_SIGNALS) {
    // Asked again each time: the id may meanwhile belong to another process.
    if (!(await isPostmasterOf(pid, dataDir))) return true;
    process.kill(pid, signal);
    if (await waitUntil(() => !isAlive(pid), PATIENCE_MS)) return true;
  }
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_FAILED',
    `The PostgreSQL server that an earlier run left behind in ${dataDir} does not stop. End process ${pid} and start again.`,
    { path: dataDir, pid },
  );
}

/** The error for a directory somebody else works in. */
export function inUse(dataDir: string, pid: number, owner = 'process'): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_IN_USE',
    `${dataDir} is in use by ${owner} with pid ${pid}. Stop it first, or choose another dataDir.`,
    { path: dataDir, pid },
  );
}

/**
 * The id in `postmaster.pid` may be stale and belong to anything by now. A postmaster works inside its data
 * directory; where that cannot be seen, its command line has to name the directory.
 */
async function isPostmasterOf(pid: number, dataDir: string): Promise<boolean> {
  if (!isAlive(pid) || !(await isPostgres(pid))) return false;
  const directory = await workingDirectory(pid);
  return directory === undefined ? (await commandLine(pid)).includes(dataDir) : directory === dataDir;
}

/**
 * PostgreSQL clears away the file of a process that is gone. If the id was given to another program of the same user
 * (the rule rather than the exception in a restarted container), it would refuse to start for as long as that lives.
 */
async function removeStaleFile(dataDir: string, pid: number): Promise<void> {
  if (isAlive(pid) && !(await isPostgres(pid))) await rm(join(dataDir, 'postmaster.pid'), { force: true });
}

async function isPostgres(pid: number): Promise<boolean> {
  return /^post(gres|master)/.test(await programName(pid));
}
