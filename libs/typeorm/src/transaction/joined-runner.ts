import { EntityManager, type DataSource, type QueryRunner } from 'typeorm';
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js';
import { PostgresQueryRunner } from 'typeorm/driver/postgres/PostgresQueryRunner.js';
import { levelAt, runAt } from './current-transaction.js';
import { TransactionMissingError } from './transaction.errors.js';
import type { TransactionLevel } from './transaction-level.js';
import { placeInForce, schemaOf, type RoutedDataSource } from './transaction-place.js';

/**
 * The runner that joins the transaction current for a view: what a routed data source hands out instead of the
 * view's own.
 *
 * @returns `undefined` when there is none to join
 * @throws {TransactionEndedError} in code that has outlived its transaction
 */
export function joinCurrent(base: RoutedDataSource, view: DataSource): QueryRunner | undefined {
  const level = levelAt({ base, schema: schemaOf(view) });
  if (!level) return undefined;
  level.assertOpen();
  return new JoinedRunner(level);
}

/** The manager whose statements belong to a level. */
export function managerOf(level: TransactionLevel): EntityManager {
  return new JoinedRunner(level).manager;
}

/** Runs `fn` inside of a savepoint, and keeps or undoes what it did. */
export function runNested<T>(
  outer: TransactionLevel,
  fn: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  return outer.inTurn(async () => runLevel(await outer.savepoint(), fn));
}

/** Runs `fn` with a level as the current one, and ends the level. The first error is the one that is told. */
export async function runLevel<T>(
  level: TransactionLevel,
  fn: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await runAt(level.place, level, async () => fn(managerOf(level)));
  } catch (error) {
    // Should this fail as well: the pool ends a connection that is not idle.
    await level.rollback().catch(() => {});
    throw error;
  }
  await level.commit();
  return result;
}

/**
 * A query runner that shares the connection of a transaction it did not start: TypeORM may use and release it like
 * any other. Transactions started on it are savepoints; the joined one is not its to end.
 */
class JoinedRunner extends PostgresQueryRunner {
  readonly #level: TransactionLevel;
  /** Savepoints started here, outermost first. */
  readonly #own: TransactionLevel[] = [];

  constructor(level: TransactionLevel) {
    super((level.runner as PostgresQueryRunner).driver, 'master');
    this.#level = level;
    // So that TypeORM starts no transaction of its own around what it saves.
    this.isTransactionActive = true;
    // Its constructor makes it this runner's manager.
    void new JoinedEntityManager(this.dataSource, this, level);
  }

  override async connect(): ReturnType<QueryRunner['connect']> {
    this.#innermost().assertUsable();
    return this.#level.runner.connect();
  }

  override query(...args: Parameters<PostgresQueryRunner['query']>): Promise<never> {
    return this.#innermost().track(() => super.query(...args) as Promise<never>);
  }

  override async stream(
    ...args: Parameters<PostgresQueryRunner['stream']>
  ): ReturnType<PostgresQueryRunner['stream']> {
    const level = this.#innermost();
    const stream = await level.track(() => super.stream(...args));
    level.trackStream(stream);
    return stream;
  }

  override async startTransaction(isolationLevel?: IsolationLevel): Promise<void> {
    if (isolationLevel) this.#level.assertJoinable({ isolationLevel });
    this.#own.push(await this.#innermost().savepoint());
  }

  override commitTransaction(): Promise<void> {
    return this.#endOwn('commit');
  }

  override rollbackTransaction(): Promise<void> {
    return this.#endOwn('rollback');
  }

  /** Undoes savepoints left open here. The connection stays with the transaction. */
  override async release(): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    for (const level of this.#own.splice(0).toReversed()) await level.rollback();
  }

  /** As TypeORM's: what was started here and not ended is kept. */
  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      while (this.#own.length > 0) await this.commitTransaction();
    } finally {
      await this.release();
    }
  }

  async #endOwn(how: 'commit' | 'rollback'): Promise<void> {
    const level = this.#own.at(-1);
    if (!level) throw new TransactionMissingError(`${how}Transaction() of a query runner that started none`);
    await level[how]();
    this.#own.pop();
  }

  #innermost(): TransactionLevel {
    return this.#own.at(-1) ?? this.#level;
  }
}

/** Whether a runner lives only as long as a transaction that somebody else started. */
export function isJoined(runner: QueryRunner): boolean {
  return runner instanceof JoinedRunner;
}

/** The manager of a joined runner: its transactions nest, and are current for everything inside of them. */
class JoinedEntityManager extends EntityManager {
  readonly #level: TransactionLevel;

  constructor(dataSource: EntityManager['dataSource'], runner: JoinedRunner, level: TransactionLevel) {
    super(dataSource, runner);
    this.#level = level;
  }

  override transaction<T>(...args: TransactionArguments<T>): Promise<T> {
    return nestedTransaction(this.#level, args);
  }
}

/** The manager of a routed data source: as TypeORM's, but its transactions nest in the current one if there is one. */
export class RoutedEntityManager extends EntityManager {
  readonly #base: RoutedDataSource;

  constructor(base: RoutedDataSource & EntityManager['dataSource']) {
    super(base);
    this.#base = base;
  }

  override async transaction<T>(...args: TransactionArguments<T>): Promise<T> {
    const level = levelAt(placeInForce(this.#base));
    return level ? nestedTransaction(level, args) : super.transaction(...(args as [never]));
  }
}

type TransactionWork<T> = (manager: EntityManager) => Promise<T>;
/** `DataSource.transaction()` passes on both places, the second one empty if there was no isolation level. */
type TransactionArguments<T> =
  [work: TransactionWork<T>, none?: undefined] | [isolationLevel: IsolationLevel, work: TransactionWork<T>];

async function nestedTransaction<T>(level: TransactionLevel, args: TransactionArguments<T>): Promise<T> {
  const [first, second] = args;
  if (typeof first === 'function') return runNested(level, first);
  level.assertJoinable({ isolationLevel: first });
  return runNested(level, second);
}
