import { levelInForce } from './current-transaction.js';
import { TransactionMissingError } from './transaction.errors.js';
import type { TransactionHook, TransactionLevel } from './transaction-level.js';

/**
 * Registers what is to happen when, and only when, the current transaction has been committed: mails, events, cache
 * entries. Runs before the call that started the transaction returns, in order of registration, one after the
 * other, in the tenant's context and outside of the transaction. Hooks of a nested transaction wait for the
 * outermost one, and are dropped when their own is rolled back.
 *
 * A hook that fails undoes nothing: its error is logged, and the others run. An error of the call would say that
 * nothing was saved. What must not be lost belongs into the transaction, as a row of an outbox.
 *
 * @throws {TransactionMissingError} without a transaction: nobody would wait for the hook, or hear of its failure
 */
export function afterCommit(hook: TransactionHook): void {
  currentLevel('afterCommit()').addHook('commit', hook);
}

/**
 * As {@link afterCommit}, for when the whole transaction has been rolled back, or could not be committed. The error
 * that caused it is thrown on after the hooks ran.
 *
 * @throws {TransactionMissingError} without a transaction
 */
export function afterRollback(hook: TransactionHook): void {
  currentLevel('afterRollback()').addHook('rollback', hook);
}

function currentLevel(what: string): TransactionLevel {
  const level = levelInForce();
  if (!level) throw new TransactionMissingError(what);
  return level;
}
