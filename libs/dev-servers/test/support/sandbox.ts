import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { StartPostgresOptions } from '../../src/index.ts';
import { isAlive } from '../../src/processes/process-identity.ts';
import { waitUntil } from '../../src/processes/wait-until.ts';
import { compileSources } from './compiled-sources.ts';
import { Starter, type StarterContext } from './starter.ts';

/** Cases that only one kind of user can run. */
export const isRoot = process.getuid?.() === 0;

/**
 * A directory and the processes of one spec file. Everything is ended and removed by `close`, whatever
 * the tests left behind.
 */
export class Sandbox {
  readonly dir = mkdtempSync(join(tmpdir(), 'tenantry-sandbox-'));
  readonly sources = compileSources();
  readonly #starters: Starter[] = [];
  #homes = 0;

  constructor() {
    // Open to the user PostgreSQL runs as; tests close directories of their own.
    chmodSync(this.dir, 0o755);
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  start(options: StartPostgresOptions, context: StarterContext & { sources?: string } = {}): Starter {
    const starter = new Starter(context.sources ?? this.sources, options, context);
    this.#starters.push(starter);
    return starter;
  }

  /** A user with a home; needs no entry in /etc/passwd. */
  user(uid: number): { uid: number; home: string } {
    const home = this.path(`home-${++this.#homes}`);
    mkdirSync(home);
    chownSync(home, uid, uid);
    return { uid, home };
  }

  async close(): Promise<void> {
    await Promise.all(this.#starters.map((starter) => starter.kill('SIGKILL')));
    for (const dir of [this.sources, this.dir]) rmSync(dir, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** Fails the test unless the process ends within ten seconds. */
export async function expectGone(pid: number): Promise<void> {
  expect({ pid, gone: await waitUntil(() => !isAlive(pid), 10_000) }).toEqual({ pid, gone: true });
}

/** The server of a data directory and the supervisor above it. */
export function processesOf(dataDir: string): { postmaster: number; supervisor: number } {
  const postmaster = Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const stat = readFileSync(`/proc/${postmaster}/stat`, 'utf8');
  return { postmaster, supervisor: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Every file below a data directory with the digest of its content, but for the notes PostgreSQL keeps on its last run. */
export function fingerprint(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const entries = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    entries
      .filter((file) => !/postmaster\.(opts|pid)$/.test(file))
      .toSorted()
      .map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]),
  );
}
