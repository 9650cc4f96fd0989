/** Signals this close to the one before are the same wish: npm passes on what the terminal has sent already. */
const SAME_WISH_MS = 500;

/**
 * The user's wish to stop, as Ctrl-C or a signal: the first time in order, the second time in a hurry, the third time
 * at once.
 */
export class StopRequest {
  readonly #stop = new AbortController();
  readonly #hurry = new AbortController();
  #lastAtMs = -Infinity;

  constructor(private readonly log: (line: string) => void) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#wish());
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** Resolves at the first wish. */
  get requested(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #wish(): void {
    const sinceMs = performance.now() - this.#lastAtMs;
    this.#lastAtMs = performance.now();
    if (sinceMs < SAME_WISH_MS) return;
    if (!this.#stop.signal.aborted) {
      this.log('\nStopping: requests in progress may finish. Press Ctrl-C again to hurry.');
      this.#stop.abort();
    } else if (!this.#hurry.signal.aborted) {
      this.#hurry.abort();
    } else {
      // The embedded server has a supervisor that stops it when this process is gone.
      process.exit(130);
    }
  }
}
