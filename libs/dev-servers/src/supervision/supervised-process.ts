import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { ServerUser } from '../placement/server-user.ts';
import { quietEnvironment } from '../processes/quiet-environment.ts';

/** A server to be run under supervision. */
export interface SupervisionOrder {
  readonly command: string;
  readonly args: readonly string[];
  readonly user: ServerUser | undefined;
  /** Receives what the server writes; appended to. */
  readonly logFile: string;
  /** Sent first when the server is to stop; SIGQUIT follows after `patienceMs`, SIGKILL after twice that. */
  readonly stopSignal: NodeJS.Signals;
  readonly patienceMs: number;
  /** A directory to remove once the server was stopped (not when it ended by itself). */
  readonly removeOnStop: string | undefined;
}

/** How a supervised server ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True when the supervisor was killed, so that the server may still be running. */
  readonly abandoned: boolean;
}

/** The script beside `src` and `dist`, both of which hold this file at the same depth. */
const SUPERVISOR = join(import.meta.dirname, '../../supervise.mjs');

/**
 * A server under `supervise.mjs`: a process of its own group that stops the server as soon as this process ends,
 * however it ends. It does not keep this process running.
 */
export class SupervisedProcess {
  /** Settles when server and supervisor are gone; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #supervisor;
  #ended = false;

  constructor({ logFile, ...order }: SupervisionOrder) {
    const log = openSync(logFile, 'a', 0o600);
    this.#supervisor = spawn(process.execPath, [SUPERVISOR, JSON.stringify(order)], {
      stdio: ['pipe', log, log],
      cwd: '/',
      env: quietEnvironment(),
      detached: true,
      windowsHide: true,
    });
    closeSync(log);
    this.#supervisor.unref();
    const pipe = this.#supervisor.stdin as Socket;
    pipe.unref();
    // The supervisor may end first; that shows in `exited`.
    pipe.on('error', () => {});
    this.exited = this.#whenGone();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Stops the server and waits until it is gone. Idempotent. */
  async stop(): Promise<ProcessExit> {
    this.#supervisor.ref();
    this.#supervisor.stdin?.end();
    return this.exited;
  }

  async #whenGone(): Promise<ProcessExit> {
    try {
      const [code, signal] = (await once(this.#supervisor, 'exit')) as [number | null, NodeJS.Signals | null];
      if (signal) return { code: null, signal, abandoned: true };
      return code !== null && code > 128
        ? { code: null, signal: signalName(code - 128), abandoned: false }
        : { code, signal: null, abandoned: false };
    } catch {
      // The supervisor could not be spawned at all.
      return { code: null, signal: null, abandoned: false };
    } finally {
      this.#ended = true;
    }
  }
}

function signalName(number: number): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}
