interface Entry<V> {
  readonly value: V;
  readonly expiresAtMs: number;
}

/**
 * Least recently used first out, each entry with its own life. Loads are single flight: callers that ask
 * while a load runs share it. A load that was overtaken by {@link delete} or {@link clear} still answers
 * its callers but is not kept, so an invalidation cannot be undone by an older read.
 */
export class BoundedCache<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #loads = new Map<string, Promise<V>>();

  constructor(
    private readonly maxEntries: number,
    /** Must not go back: a wall clock set back would keep a suspended tenant in. */
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /** @param ttlMs how long the loaded value is kept; 0 keeps nothing */
  async getOrLoad(key: string, load: () => Promise<V>, ttlMs: (value: V) => number): Promise<V> {
    const entry = this.#entries.get(key);
    if (entry && entry.expiresAtMs > this.nowMs()) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      return entry.value;
    }
    return this.#loads.get(key) ?? this.#load(key, load, ttlMs);
  }

  delete(key: string): void {
    this.#entries.delete(key);
    this.#loads.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#loads.clear();
  }

  /** Running loads still answer their callers, but what they bring is not kept. */
  abandonLoads(): void {
    this.#loads.clear();
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  peek(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  #load(key: string, load: () => Promise<V>, ttlMs: (value: V) => number): Promise<V> {
    const running = load().then(
      (value) => {
        if (this.#loads.get(key) === running) {
          this.#loads.delete(key);
          this.#keep(key, value, ttlMs(value));
        }
        return value;
      },
      (error: unknown) => {
        if (this.#loads.get(key) === running) this.#loads.delete(key);
        throw error;
      },
    );
    this.#loads.set(key, running);
    return running;
  }

  #keep(key: string, value: V, ttlMs: number): void {
    if (ttlMs <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, expiresAtMs: this.nowMs() + ttlMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.maxEntries) break;
      this.#entries.delete(oldest);
    }
  }
}
