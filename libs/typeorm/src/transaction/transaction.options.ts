import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js';

/**
 * What a call does about the transaction that is current where it is made. "Current" is always a question of
 * the tenant in force: another tenant's transaction is none.
 * - `required` (default): joins it, or starts one
 * - `requires-new`: starts one of its own, on a second connection: the pool, and the tenant's share of it, must have
 *   two to give, or the call fails after `pool.acquireTimeoutMs`
 * - `nested`: a savepoint in it, or starts one
 * - `supports`: joins it, or runs without
 * - `mandatory`: joins it, or refuses
 * - `not-supported`: runs outside of it
 * - `never`: refuses if there is one
 */
export type Propagation =
  'required' | 'requires-new' | 'nested' | 'supports' | 'mandatory' | 'not-supported' | 'never';

export interface TransactionOptions {
  /** Default `required`. */
  readonly propagation?: Propagation;
  /**
   * Default: that of the data source, else of the database (`READ COMMITTED`). A call that joins a transaction
   * of another level is refused: the level of a running transaction cannot be changed.
   */
  readonly isolationLevel?: IsolationLevel;
  /**
   * `true`: the server refuses writes. Default: that of the database (read and write). Joining a transaction
   * that writes is allowed with `true`; joining a read-only one with `false` is refused.
   */
  readonly readOnly?: boolean;
  /**
   * How often `fn` is run again, at once and in a new transaction, after the server gave up on it to keep
   * transactions apart: serialization failure (40001) or deadlock (40P01). Default 0. Means nothing to a call
   * that joins or nests: there the transaction is not its own to start anew.
   */
  readonly retries?: number;
}
