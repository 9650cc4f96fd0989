import { Logger } from '@nestjs/common';
import { TenancyConfigurationError } from '@tenantry/core';
import type { EntityManager, QueryRunner } from 'typeorm';
import { levelAt, runAt } from './current-transaction.js';
import { managerOf, runLevel, runNested } from './joined-runner.js';
import { TransactionMissingError, TransactionPresentError } from './transaction.errors.js';
import type { TransactionOptions } from './transaction.options.js';
import { TransactionLevel, type TransactionOutcome } from './transaction-level.js';
import { placeInForce, type RoutedDataSource, type TransactionPlace } from './transaction-place.js';

type Work<T> = (manager: EntityManager) => Promise<T>;

/**
 * Transactions that everything in them takes part in by itself: repositories, entity managers, query builders, raw
 * SQL and active record of the routed data source, and `TenantDatabase`.
 *
 * A transaction belongs to the tenant it was started for (or to the central schema) and to nobody else: inside
 * `TenantContext.run(another, …)` it is not current, and its manager is refused. Back in its own tenant, further
 * in, it is current again. Views from `TenantDataSourceFactory` never take part: they follow nothing.
 *
 * Statements that run at once share the one connection and go one after the other. Beside a nested transaction that
 * is running, do not write at the level around it: a savepoint that is rolled back takes along all that came after it.
 *
 * @example
 * await transactions.run(async () => {
 *   await orders.save(order);
 *   afterCommit(() => mail.confirm(order));
 * });
 */
export class TenantTransactions {
  readonly #logger = new Logger(TenantTransactions.name);

  constructor(private readonly dataSource: RoutedDataSource) {}

  /**
   * Runs `fn` in a transaction of the tenant in force, or of the central schema. It is committed when `fn` resolves,
   * and rolled back when it throws; the same error is thrown on. A call that joined a transaction leaves it to
   * whoever started it, who may catch the error and commit; work that must be undone by itself is `nested`.
   *
   * Code that `fn` starts and does not await gets a `TransactionEndedError` once the transaction is over. So do
   * timers and event handlers set up in there, whenever they run: set them up outside, or with `not-supported`.
   *
   * @param fn is given the manager of the transaction, or the routed one where it runs without
   * @throws {TransactionMissingError | TransactionPresentError} as the propagation says
   * @throws {TransactionRolledBackError} when a statement had failed and its error was swallowed
   * @throws {NestedTransactionOpenError} when a nested transaction was not awaited
   */
  async run<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    const { propagation = 'required' } = options;
    const place = placeInForce(this.dataSource);
    switch (propagation) {
      case 'requires-new':
        return this.#startWithRetries(place, fn, options);
      case 'not-supported':
        return runAt(place, undefined, () => fn(this.dataSource.manager));
      default:
    }
    const current = levelAt(place);
    current?.assertOpen();
    switch (propagation) {
      case 'required':
        return current ? join(current, fn, options) : this.#startWithRetries(place, fn, options);
      case 'nested':
        if (!current) return this.#startWithRetries(place, fn, options);
        current.assertJoinable(options);
        return runNested(current, fn);
      case 'supports':
        return current ? join(current, fn, options) : fn(this.dataSource.manager);
      case 'mandatory':
        if (!current) throw new TransactionMissingError("Code with propagation 'mandatory'");
        return join(current, fn, options);
      case 'never':
        if (current) throw new TransactionPresentError();
        return fn(this.dataSource.manager);
      default:
        throw new TenancyConfigurationError(
          `propagation: there is no '${String(propagation satisfies never)}'.`,
        );
    }
  }

  async #startWithRetries<T>(place: TransactionPlace, fn: Work<T>, options: TransactionOptions): Promise<T> {
    for (let left = options.retries ?? 0; ; left--) {
      try {
        return await this.#start(place, fn, options);
      } catch (error) {
        if (!(left > 0 && isWorthRetrying(error))) throw error;
      }
    }
  }

  async #start<T>(place: TransactionPlace, fn: Work<T>, options: TransactionOptions): Promise<T> {
    const runner = this.dataSource.current().createQueryRunner();
    let level: TransactionLevel | undefined;
    let outcome: TransactionOutcome = 'rollback';
    try {
      level = await TransactionLevel.begin(place, runner, options);
      const result = await runLevel(level, fn);
      outcome = 'commit';
      return result;
    } finally {
      await release(runner);
      if (level) await this.#runHooks(level, outcome);
    }
  }

  /** Outside of any transaction, and with its connection given back. */
  async #runHooks(level: TransactionLevel, outcome: TransactionOutcome): Promise<void> {
    for (const hook of level.hooksOf(outcome)) {
      try {
        await runAt(level.place, undefined, async () => hook());
      } catch (error) {
        this.#logger.error(`A hook failed after the ${outcome} of a transaction of '${level.place.schema}'.`);
        this.#logger.error(error);
      }
    }
  }
}

async function join<T>(level: TransactionLevel, fn: Work<T>, options: TransactionOptions): Promise<T> {
  level.assertJoinable(options);
  return fn(managerOf(level));
}

async function release(runner: QueryRunner): Promise<void> {
  // A connection that broke has released its runner by itself.
  if (!runner.isReleased) await runner.release();
}

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';

function isWorthRetrying(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED;
}
