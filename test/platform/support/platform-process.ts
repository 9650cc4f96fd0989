import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Api } from './api.js';

const ROOT = join(__dirname, '../../..');
const READY = 'Stop with Ctrl-C';

export interface PlatformEnvironment {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** Default: the compiled entry itself. */
  readonly command?: readonly [string, ...string[]];
}

/** A platform in a process of its own, started as users start it. */
export class PlatformProcess {
  output = '';
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(options: PlatformEnvironment, port: number) {
    const { home, env, uid, command = [process.execPath, 'apps/platform/dist/main.js'] } = options;
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], TENANTRY_HOME: home, PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.exited = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @throws when the process ends without having printed it */
  async untilPrinted(text: string): Promise<void> {
    let ended = false;
    void this.exited.then(() => (ended = true));
    while (!this.output.includes(text)) {
      if (ended) throw new Error(`The platform ended before it printed '${text}':\n${this.output}`);
      await delay(5);
    }
  }

  async ready(): Promise<Api> {
    await this.untilPrinted(READY);
    return new Api(/platform: (http:\S+)/.exec(this.output)![1]!);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.kill(signal);
    return (await this.exited).code;
  }
}

/** A directory that the user PostgreSQL runs as can pass through. */
export async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tenantry-platform-'));
  await chmod(home, 0o711);
  return home;
}

export async function removeHome(home: string): Promise<void> {
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
}

/** Command lines of processes that have to do with a home: the server, its supervisor. */
export async function processesOf(home: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(home)).map((command) => command.replaceAll('\0', ' '));
}

/** @throws after ten seconds */
export async function untilNoProcessOf(home: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await processesOf(home)).length === 0) return;
    await delay(50);
  }
  throw new Error(`Still running: ${(await processesOf(home)).join('\n')}`);
}

/** Has everything compiled; a fifth of a second when nothing has changed. */
export async function build(): Promise<void> {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const child = spawn(process.execPath, [compiler, '-b', join(ROOT, 'tsconfig.build.json')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The build failed:\n${output}`);
}
