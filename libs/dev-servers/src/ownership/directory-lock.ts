import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { needingAccessTo } from '../errors/embedded-postgres.errors.ts';
import { isAlive, startIdentity } from '../processes/process-identity.ts';

/** Who holds a lock; `pid` 0 once it was released. */
interface LockRecord {
  readonly pid: number;
  readonly started: string | undefined;
}

/**
 * At most one living process owns a cluster directory. Files `<prefix>1`, `<prefix>2`, ... are generations of
 * the lock, and the highest one is in force:
 *
 * - free, when its record is released or its process is gone; the next owner creates the next generation;
 * - held, while its process lives.
 *
 * Creating a generation is one `link(2)` of a complete file, so of two racers one fails. The highest generation is
 * never deleted: taking a stale lock away and putting one's own there could hit the lock of a faster racer. A racer
 * that slept through generations may create a deleted one again; it notices that it is not the highest.
 *
 * The kernel releases nothing here, which is why a record holds the start time of its process besides the id.
 * Processes in different PID namespaces (two containers on one volume) cannot see each other.
 */
export class DirectoryLock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** @returns the lock, or the id of the process that holds it. */
  static async acquire(prefix: string): Promise<DirectoryLock | number> {
    const mine = { pid: process.pid, started: await startIdentity(process.pid) };
    for (;;) {
      const latest = (await generations(prefix)).at(-1) ?? 0;
      const holder = latest === 0 ? undefined : await readRecord(prefix + latest);
      if (holder && (await isHeld(holder))) return holder.pid;
      const file = prefix + (latest + 1);
      if (!(await needingAccessTo(dirname(prefix), () => create(file, mine)))) continue;
      const all = await generations(prefix);
      if (all.at(-1) !== latest + 1) {
        await rm(file, { force: true });
        continue;
      }
      await Promise.all(all.slice(0, -1).map((older) => rm(prefix + older, { force: true })));
      return new DirectoryLock(file);
    }
  }

  /** True when some process has ever locked this prefix. */
  static async exists(prefix: string): Promise<boolean> {
    return (await generations(prefix)).length > 0;
  }

  /** Leaves the directory to the next owner. A directory that is gone needs no release. */
  async release(): Promise<void> {
    await writeWhole(this.#file, { pid: 0, started: undefined }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

async function generations(prefix: string): Promise<number[]> {
  const name = basename(prefix);
  const files = await readdir(dirname(prefix)).catch(() => []);
  return files
    .filter((file) => file.startsWith(name) && /^\d+$/.test(file.slice(name.length)))
    .map((file) => Number(file.slice(name.length)))
    .toSorted((a, b) => a - b);
}

async function isHeld({ pid, started }: LockRecord): Promise<boolean> {
  if (pid === 0 || !isAlive(pid)) return false;
  const now = await startIdentity(pid);
  return started === undefined || now === undefined || now === started;
}

/** A record that vanished was superseded; one that cannot be understood was not written by us. */
async function readRecord(file: string): Promise<LockRecord | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as LockRecord);
  } catch {
    return undefined;
  }
}

async function create(file: string, record: LockRecord): Promise<boolean> {
  const whole = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(whole, JSON.stringify(record));
  try {
    await link(whole, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(whole, { force: true });
  }
}

async function writeWhole(file: string, record: LockRecord): Promise<void> {
  const whole = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(whole, JSON.stringify(record));
  await rename(whole, file);
}
