import type { StatementKind } from './statement-kind.js';

/**
 * The law of connection state. Each function is one decision that keeps tenants apart, stands here so that it
 * can be read, and broken on purpose by the tests: a rule whose removal no test notices protects nothing.
 */

/** Status byte of the server's last ReadyForQuery: idle, in a transaction, in a failed one; null before the first. */
export type TransactionStatus = 'I' | 'T' | 'E' | null;

/**
 * Whether the next batch has to carry the binding. Outside of a transaction: always, since the binding ends
 * with its batch. In a transaction: once. In a failed one: never, the server would skip even a ROLLBACK
 * that came behind it.
 */
export function carriesBinding(status: TransactionStatus, boundInTransaction: boolean): boolean {
  return status === 'E' ? false : status === 'T' ? !boundInTransaction : true;
}

/** Whether the end of the transaction takes the binding along, also when `AND CHAIN` starts the next one at once. */
export function endsBinding(kind: StatementKind): boolean {
  return kind === 'commit' || kind === 'rollback';
}

/** Whether a statement must not share its transaction with a binding. */
export function goesAlone(kind: StatementKind, status: TransactionStatus): boolean {
  return kind === 'alone' && status === 'I';
}

/** Whether the server kept nothing of a transaction whose COMMIT it answered without an error. */
export function commitWasRolledBack(kind: StatementKind, commandTag: string | null): boolean {
  return kind === 'commit' && commandTag === 'ROLLBACK';
}

/**
 * Whether a failure leaves open what the server did: a client-side timeout (the statement may still run), or
 * a ROLLBACK that did not get through.
 */
export function leavesUnsure(kind: StatementKind, error: Error): boolean {
  return kind === 'rollback' || error.message === 'Query read timeout';
}

/** How a lease stands when it is given back. */
export interface LeaseEnd {
  readonly status: TransactionStatus;
  /** A statement is still running, or its outcome has not been read. */
  readonly busy: boolean;
  /** A client-side timeout fired, or a rollback failed. */
  readonly unsure: boolean;
  /** A statement may have left session state behind. */
  readonly tainted: boolean;
  readonly broken: boolean;
}

/** Whether the connection must not serve anybody else. */
export function mustDestroy(end: LeaseEnd): boolean {
  return end.status !== 'I' || end.busy || end.unsure || end.tainted || end.broken;
}
