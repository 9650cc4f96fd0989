import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type {
  EmbeddedPostgresError,
  PostgresExit,
  PostgresServer,
  StartPostgresOptions,
} from '../../src/index.ts';

type Report = Omit<PostgresServer, 'exited' | 'stop'>;
type Refusal = Pick<EmbeddedPostgresError, 'name' | 'code' | 'message' | 'pid' | 'path'>;

/** How a starter is run besides the options for `startPostgres`. */
export interface StarterContext {
  /** A user to run as; it gets a home of its own for `HOME` and `TMPDIR`. */
  readonly user?: { readonly uid: number; readonly home: string };
  /** Words before `node`, for instance `unshare --mount`. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that has called `startPostgres`; see starter.mjs. */
export class Starter {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<unknown>;

  constructor(
    sources: string,
    options: StartPostgresOptions,
    { user, wrapper = [], env }: StarterContext = {},
  ) {
    const words = [
      ...wrapper,
      process.execPath,
      join(sources, 'starter.mjs'),
      sources,
      JSON.stringify(options),
    ];
    this.#child = spawn(words[0]!, words.slice(1), {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
      ...(user && { uid: user.uid, gid: user.uid, cwd: user.home }),
      env: { ...process.env, ...(user && { HOME: user.home, TMPDIR: user.home }), ...env },
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.ended = once(this.#child, 'exit');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What `startPostgres` returned; fails with its error. */
  async server(): Promise<Report> {
    const line = await this.#next<Report & { error?: Refusal }>();
    if (line.error) throw Object.assign(new Error(line.error.message), line.error);
    return line;
  }

  /** The error of `startPostgres`; fails when there was none. */
  async refusal(): Promise<Refusal> {
    const line = await this.#next<Report & { error?: Refusal }>();
    if (!line.error) throw new Error(`a server was started on ${line.dataDir}`);
    return line.error;
  }

  /** How the server ended, once it has. */
  async exit(): Promise<PostgresExit> {
    return (await this.#next<{ exit: PostgresExit }>()).exit;
  }

  /** Stops the server and ends the process. */
  async stop(): Promise<void> {
    this.#child.stdin.end('stop\n');
    await this.ended;
  }

  /** Ends the process as a program ends that has nothing more to do. */
  async leave(): Promise<void> {
    this.#child.stdin.end();
    await this.ended;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }

  /** Signals the whole process group, as Ctrl-C in a terminal does. */
  async killGroup(signal: NodeJS.Signals): Promise<void> {
    process.kill(-this.pid, signal);
    await this.ended;
  }

  async #next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the starter ended without a word');
    return JSON.parse(value) as T;
  }
}
