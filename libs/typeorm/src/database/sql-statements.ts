import type { QueryResult, QueryRunner } from 'typeorm';
import { ownError } from '../transaction/own-error.js';
import { RowNotFoundError, RowNotUniqueError } from './row-count.errors.js';

/** Lends a query runner for the length of `use`. */
export type RunnerLender = <T>(use: (runner: QueryRunner) => Promise<T>) => Promise<T>;

/**
 * Plain SQL, one statement a call, with `$1`, `$2`, … for what comes from outside. Errors of the server are TypeORM's
 * `QueryFailedError`; those of the suite (a schema that is missing, no free connection) come as they are.
 */
export class SqlStatements {
  readonly #withRunner: RunnerLender;

  constructor(withRunner: RunnerLender) {
    this.#withRunner = withRunner;
  }

  /** All rows, also of INSERT, UPDATE and DELETE with RETURNING. */
  async query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    return (await this.#run(sql, params)).records as Row[];
  }

  /** @throws {RowNotFoundError | RowNotUniqueError} for any other number of rows */
  async one<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row> {
    const row = await this.oneOrNone<Row>(sql, params);
    if (row === undefined) throw new RowNotFoundError();
    return row;
  }

  /** @throws {RowNotUniqueError} for several rows */
  async oneOrNone<Row = Record<string, unknown>>(
    sql: string,
    params?: readonly unknown[],
  ): Promise<Row | undefined> {
    const rows = await this.query<Row>(sql, params);
    if (rows.length > 1) throw new RowNotUniqueError(rows.length);
    return rows[0];
  }

  /** @returns how many rows were written, or read by a SELECT; 0 for statements that count none */
  async execute(sql: string, params?: readonly unknown[]): Promise<number> {
    return (await this.#run(sql, params)).affected ?? 0;
  }

  async #run(sql: string, params: readonly unknown[] = []): Promise<QueryResult> {
    try {
      return await this.#withRunner((runner) => runner.query(sql, [...params], true));
    } catch (error) {
      throw ownError(error);
    }
  }
}
