/**
 * What a statement does to the session, as far as its first words tell.
 * - `begin`, `commit`, `rollback`: of a transaction; `rollback-to` only of a savepoint
 * - `set-transaction`: modes of the transaction that is about to start
 * - `alone`: may not share a transaction with anything, so not with its binding either
 */
export type StatementKind = 'begin' | 'commit' | 'rollback' | 'set-transaction' | 'alone' | 'plain';

const LEADING_SPACE_AND_COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;
const FIRST_WORD = /^[a-z]+/i;
const ALONE =
  /^(?:VACUUM|CALL|DO|REINDEX\s[\s\S]*\bCONCURRENTLY|(?:CREATE(?:\s+UNIQUE)?|DROP)\s+INDEX\s+CONCURRENTLY|REFRESH\s+MATERIALIZED\s+VIEW\s+CONCURRENTLY|(?:CREATE|DROP)\s+DATABASE)\b/i;

export function kindOf(sql: string): StatementKind {
  const text = sql.replace(LEADING_SPACE_AND_COMMENTS, '');
  switch (FIRST_WORD.exec(text)?.[0].toUpperCase()) {
    case 'BEGIN':
      return 'begin';
    case 'START':
      return /^START\s+TRANSACTION\b/i.test(text) ? 'begin' : 'plain';
    case 'COMMIT':
    case 'END':
      return /^COMMIT\s+PREPARED\b/i.test(text) ? 'alone' : 'commit';
    case 'ROLLBACK':
    case 'ABORT':
      if (/^ROLLBACK\s+PREPARED\b/i.test(text)) return 'alone';
      return /^ROLLBACK\s+(?:(?:WORK|TRANSACTION)\s+)?TO\b/i.test(text) ? 'plain' : 'rollback';
    case 'SET':
      return /^SET\s+TRANSACTION\s+(?!SNAPSHOT\b)/i.test(text) ? 'set-transaction' : 'plain';
    default:
      return ALONE.test(text) ? 'alone' : 'plain';
  }
}

/** `START TRANSACTION` with the modes that a separate `SET TRANSACTION` would have set. */
export function withTransactionModes(begin: string, setTransaction: string): string {
  const modes = setTransaction
    .replace(LEADING_SPACE_AND_COMMENTS, '')
    .replace(/^SET\s+TRANSACTION\s+/i, '')
    .replace(/;\s*$/, '');
  return `${begin.replace(/;\s*$/, '')} ${modes}`;
}

const SESSION_STATEMENT =
  /(?:^|;)\s*(?:SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|RESET\b|LISTEN\b|DISCARD\b|PREPARE\s+(?!TRANSACTION\b)|DEALLOCATE\b|LOAD\b|DECLARE\b[^;]*\bWITH\s+HOLD\b|CREATE\s+(?:OR\s+REPLACE\s+)?(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\b|SELECT\b[^;]*\bINTO\s+TEMP(?:ORARY)?\b)/i;
const SESSION_FUNCTION = /\b(?:set_config|pg_(?:try_)?advisory_lock(?:_shared)?)\s*\(/i;
const LOCAL_SET_CONFIG = /\bset_config\s*\([^()]*,\s*true\s*\)/gi;

/**
 * Whether a statement may leave something on the session that outlives its transaction. Errs on the side
 * of yes, which costs a connection and never isolation: isolation does not depend on this, since every
 * batch carries its own binding; what it keeps out is temporary tables, locks, listeners and settings.
 */
export function leavesSessionState(sql: string): boolean {
  const text = sql.replace(LEADING_SPACE_AND_COMMENTS, '');
  return SESSION_STATEMENT.test(text) || SESSION_FUNCTION.test(text.replaceAll(LOCAL_SET_CONFIG, ''));
}
