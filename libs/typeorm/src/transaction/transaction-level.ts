import type { QueryRunner } from 'typeorm';
import { ownError } from './own-error.js';
import {
  NestedTransactionOpenError,
  TransactionEndedError,
  TransactionOfOtherTenantError,
  TransactionOptionsConflictError,
} from './transaction.errors.js';
import type { TransactionOptions } from './transaction.options.js';
import { isInForce, schemaInForce, type TransactionPlace } from './transaction-place.js';

export type TransactionHook = () => unknown;
export type TransactionOutcome = 'commit' | 'rollback';

interface RegisteredHook {
  readonly on: TransactionOutcome;
  readonly run: TransactionHook;
  /** Moves outwards as savepoints are released. */
  level: TransactionLevel;
}

/** What all levels of one transaction share. */
interface Session {
  readonly place: TransactionPlace;
  readonly runner: QueryRunner;
  readonly options: TransactionOptions;
  /** Open levels, outermost first: savepoints of one connection are a stack. */
  readonly levels: TransactionLevel[];
  /** In order of registration. */
  hooks: RegisteredHook[];
}

/**
 * One level of a transaction: the transaction itself, or a savepoint in it.
 *
 *     open ── commit: nothing more gets in; what is under way is waited for ──▶ ended
 *       └──── rollback: likewise ─────────────────────────────────────────────▶ ended
 *
 * A level is `ended` before the server hears of it, so that no statement can come in behind its COMMIT and run on
 * its own. It never opens again.
 */
export class TransactionLevel {
  readonly #session: Session;
  readonly #outer: TransactionLevel | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #streams = new Set<Stoppable>();
  #ended = false;
  #nestedTurn: Promise<unknown> = Promise.resolve();

  private constructor(session: Session, outer?: TransactionLevel) {
    this.#session = session;
    this.#outer = outer;
    session.levels.push(this);
  }

  /** @param runner connected to nothing yet; stays the caller's to release */
  static async begin(
    place: TransactionPlace,
    runner: QueryRunner,
    options: TransactionOptions,
  ): Promise<TransactionLevel> {
    await runner.startTransaction(options.isolationLevel);
    if (options.readOnly !== undefined)
      await runner.query(`SET TRANSACTION READ ${options.readOnly ? 'ONLY' : 'WRITE'}`);
    return new TransactionLevel({ place, runner, options, levels: [], hooks: [] });
  }

  get place(): TransactionPlace {
    return this.#session.place;
  }

  /** The runner that the transaction is on; using it goes around all checks. */
  get runner(): QueryRunner {
    return this.#session.runner;
  }

  get hasEnded(): boolean {
    return this.#ended || (this.#outer?.hasEnded ?? false);
  }

  /** @throws {TransactionEndedError} after the end of this level, or of one around it */
  assertOpen(): void {
    if (this.hasEnded) throw new TransactionEndedError();
  }

  /**
   * @throws {TransactionEndedError} as {@link assertOpen}
   * @throws {TransactionOfOtherTenantError} where another tenant is in force, or none
   */
  assertUsable(): void {
    this.assertOpen();
    const { place } = this.#session;
    if (!isInForce(place)) throw new TransactionOfOtherTenantError(place.schema, schemaInForce(place.base));
  }

  /** @throws {TransactionOptionsConflictError} when the running transaction cannot be what is asked for */
  assertJoinable({ isolationLevel, readOnly }: TransactionOptions): void {
    const { options, runner } = this.#session;
    const running = options.isolationLevel ?? runner.dataSource.options.isolationLevel;
    if (isolationLevel !== undefined && isolationLevel !== running)
      throw new TransactionOptionsConflictError(
        isolationLevel,
        running ?? "of the database's isolation level",
      );
    if (readOnly === false && options.readOnly)
      throw new TransactionOptionsConflictError('one that writes', 'read-only');
  }

  /** Runs a statement of this level; its end waits for it. */
  async track<T>(statement: () => Promise<T>): Promise<T> {
    this.assertUsable();
    const running = statement();
    const levels = [...this.#outwards()];
    for (const level of levels) level.#underWay.add(running);
    try {
      return await running;
    } finally {
      for (const level of levels) level.#underWay.delete(running);
    }
  }

  /** A stream holds up whatever comes behind it on the connection, so the level ends it before it ends itself. */
  trackStream(stream: Stoppable): void {
    // The error it is ended with must reach whoever reads it, and end no process if nobody does.
    stream.on('error', () => {});
    for (const level of this.#outwards()) {
      level.#streams.add(stream);
      stream.on('close', () => level.#streams.delete(stream));
    }
  }

  /** Opens a savepoint, at once: whoever opens one while another is open is inside of that one. */
  async savepoint(): Promise<TransactionLevel> {
    this.assertUsable();
    await this.runner.startTransaction();
    return new TransactionLevel(this.#session, this);
  }

  /** Runs `nested` when those before it are done: two savepoints side by side would be one inside of the other. */
  async inTurn<T>(nested: () => Promise<T>): Promise<T> {
    const turn = this.#nestedTurn.then(nested);
    this.#nestedTurn = turn.catch(() => {});
    return turn;
  }

  addHook(on: TransactionOutcome, run: TransactionHook): void {
    this.assertOpen();
    this.#session.hooks.push({ on, run, level: this });
  }

  /** What is left to be run once the transaction has ended that way. */
  hooksOf(outcome: TransactionOutcome): readonly TransactionHook[] {
    return this.#session.hooks.filter(({ on }) => on === outcome).map(({ run }) => run);
  }

  /** @throws {NestedTransactionOpenError} when a level inside of this one is open; all of this one is undone then */
  async commit(): Promise<void> {
    this.assertOpen();
    this.#ended = true;
    await this.#settle();
    const { levels, runner, hooks } = this.#session;
    if (levels.at(-1) !== this) {
      await this.#undo();
      throw new NestedTransactionOpenError();
    }
    try {
      await runner.commitTransaction();
    } catch (error) {
      // A failed COMMIT has ended the transaction already; after a failed RELEASE it goes on, failed.
      if (this.#outer) await this.#undo();
      throw ownError(error);
    }
    levels.pop();
    if (this.#outer) for (const hook of hooks) if (hook.level === this) hook.level = this.#outer;
  }

  /** Takes the levels inside of this one along. Idempotent. */
  async rollback(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#settle();
    await this.#undo();
  }

  async #undo(): Promise<void> {
    const { levels, runner } = this.#session;
    const undone = levels.splice(levels.indexOf(this));
    for (const level of undone.toReversed()) {
      level.#ended = true;
      await runner.rollbackTransaction();
    }
    if (this.#outer) this.#session.hooks = this.#session.hooks.filter(({ level }) => !undone.includes(level));
  }

  async #settle(): Promise<void> {
    for (const stream of this.#streams) stream.destroy(new TransactionEndedError());
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  *#outwards(): Generator<TransactionLevel> {
    // oxlint-disable-next-line typescript/no-this-alias -- the first of a chain
    for (let level: TransactionLevel | undefined = this; level; level = level.#outer) yield level;
  }
}

/** A stream, as far as its end goes. */
export interface Stoppable {
  destroy(error?: Error): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
}
