import { TenantShareExhaustedError } from './tenant-pool.errors.js';

interface Waiter {
  readonly admit: () => void;
}

interface Share {
  held: number;
  readonly waiting: Waiter[];
}

/**
 * Lets each schema have only so many connections at a time, and makes the rest of its callers wait here,
 * in order, instead of in the pool's queue: a tenant with a thousand callers stands in that queue no longer
 * than one with five.
 */
export class ConnectionShares {
  readonly #shares = new Map<string, Share>();
  #waiting = 0;

  constructor(
    private readonly maxPerSchema: number,
    private readonly waitTimeoutMs: number,
  ) {}

  /** Callers that wait for a share of their own schema. */
  get waitingCount(): number {
    return this.#waiting;
  }

  /**
   * Takes a share; pair with {@link release}.
   *
   * @param heldByCaller connections that the caller is holding, asked only when it waited in vain
   * @returns nothing when it is granted at once, which is the usual case and costs no promise
   * @throws {TenantShareExhaustedError} (in the promise) when none became free in time
   */
  acquire(schema: string, heldByCaller: () => number): Promise<void> | undefined {
    let share = this.#shares.get(schema);
    if (!share) this.#shares.set(schema, (share = { held: 0, waiting: [] }));
    if (share.held < this.maxPerSchema) {
      share.held++;
      return undefined;
    }
    return this.#wait(schema, share, heldByCaller);
  }

  release(schema: string): void {
    const share = this.#shares.get(schema);
    if (!share) return;
    const next = share.waiting.shift();
    // Handed on without being given back first: nobody can step in between.
    if (next) return next.admit();
    share.held--;
    if (share.held === 0) this.#shares.delete(schema);
  }

  #wait(schema: string, share: Share, heldByCaller: () => number): Promise<void> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        admit: () => {
          clearTimeout(timer);
          this.#waiting--;
          resolve();
        },
      };
      const timer = setTimeout(() => {
        share.waiting.splice(share.waiting.indexOf(waiter), 1);
        this.#waiting--;
        reject(new TenantShareExhaustedError(schema, this.maxPerSchema, this.waitTimeoutMs, heldByCaller()));
      }, this.waitTimeoutMs);
      share.waiting.push(waiter);
    });
  }
}
