import type { World } from './world.js';

/** Something the law forbids was seen. */
export class LawBroken extends Error {}

/** What is known to be true of the world, kept apart from the code under test. */
export class Oracle {
  readonly #acknowledged = new Map<string, Set<number>>();
  readonly #uncertain = new Set<number>();
  readonly #burnt = new Set<number>();
  #nextId = 1;

  /** @param hasSessions whether a process id names one session; a pooler's do not */
  constructor(
    private readonly world: World,
    readonly hasSessions = true,
  ) {}

  nextId(): number {
    return this.#nextId++;
  }

  /** The server said that these rows of a tenant are kept. */
  acknowledge(tenant: string, ids: readonly number[]): void {
    const known = this.#acknowledged.get(tenant) ?? new Set();
    for (const id of ids) known.add(id);
    this.#acknowledged.set(tenant, known);
  }

  /** Nobody can say whether these rows are kept: their fate was cut off. */
  leaveUncertain(ids: readonly number[]): void {
    for (const id of ids) this.#uncertain.add(id);
  }

  /** A connection that must not serve anybody again. */
  burn(pid: number | null): void {
    if (pid !== null) this.#burnt.add(pid);
  }

  checkConnection(pid: number | null): void {
    if (this.hasSessions && pid !== null && this.#burnt.has(pid))
      throw new LawBroken(`connection ${pid} serves again`);
  }

  /** Everything acknowledged is there, and nothing is there that nobody wrote. */
  async checkLedgers(): Promise<void> {
    for (const tenant of this.world.tenants) {
      const { rows } = await this.world.admin.query<{ id: number }>(`SELECT id FROM ${tenant}.ledger`);
      const stored = new Set(rows.map(({ id }) => id));
      const known = this.#acknowledged.get(tenant) ?? new Set();
      const lost = [...known].filter((id) => !stored.has(id));
      const ghosts = [...stored].filter((id) => !known.has(id) && !this.#uncertain.has(id));
      if (lost.length > 0) throw new LawBroken(`acknowledged rows of ${tenant} are lost: ${lost.join(', ')}`);
      if (ghosts.length > 0)
        throw new LawBroken(`rows of ${tenant} that were never kept: ${ghosts.join(', ')}`);
    }
  }
}
