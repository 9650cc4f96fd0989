/**
 * What a statement does to the session, as far as its words tell.
 * - `begin`, `commit`, `rollback`: of a transaction, and nothing else in the text
 * - `set-transaction`: modes of the transaction that is about to start
 * - `alone`: may not share a transaction with anything, so not with its binding either
 * - `plain`: everything else, also a text of several statements
 */
export type StatementKind = 'begin' | 'commit' | 'rollback' | 'set-transaction' | 'alone' | 'plain';

const FIRST_WORD = /^[a-z]+/i;
const ALONE =
  /^(?:VACUUM|CALL|DO|REINDEX\s[\s\S]*\bCONCURRENTLY|(?:CREATE(?:\s+UNIQUE)?|DROP)\s+INDEX\s+CONCURRENTLY|REFRESH\s+MATERIALIZED\s+VIEW\s+CONCURRENTLY|(?:CREATE|DROP)\s+DATABASE)\b/i;

export function kindOf(sql: string): StatementKind {
  const text = fromFirstWord(sql);
  switch (FIRST_WORD.exec(text)?.[0].toUpperCase()) {
    case 'BEGIN':
    case 'START':
      return isCommand(text, /^(?:BEGIN|START\s+TRANSACTION)\b/i) ? 'begin' : 'plain';
    case 'COMMIT':
    case 'END':
      if (/^COMMIT\s+PREPARED\b/i.test(text)) return 'alone';
      return isCommand(text, /^/) ? 'commit' : 'plain';
    case 'ROLLBACK':
    case 'ABORT':
      if (/^ROLLBACK\s+PREPARED\b/i.test(text)) return 'alone';
      return isCommand(text, /^(?!ROLLBACK\s+(?:(?:WORK|TRANSACTION)\s+)?TO\b)/i) ? 'rollback' : 'plain';
    case 'SET':
      return isCommand(text, /^SET\s+TRANSACTION\s+(?!\s|SNAPSHOT\b)/i) ? 'set-transaction' : 'plain';
    default:
      return ALONE.test(text) ? 'alone' : 'plain';
  }
}

function isCommand(text: string, form: RegExp): boolean {
  const command = transactionCommand(text);
  return command !== undefined && form.test(command);
}

/**
 * A statement of transaction control without comments and semicolon, so that another can be put behind it.
 * Such statements are words and commas; a text with more in it does more, and is `undefined` here.
 */
export function transactionCommand(sql: string): string | undefined {
  const command = withoutComments(fromFirstWord(sql)).replace(/[\s;]+$/, '');
  return /^[\w\s,]*$/.test(command) ? command : undefined;
}

/** `START TRANSACTION` with the modes that a separate `SET TRANSACTION` would have set. */
export function withTransactionModes(begin: string, setTransaction: string): string {
  return `${begin} ${transactionCommand(setTransaction)?.replace(/^SET\s+TRANSACTION\s+/i, '')}`;
}

const SESSION_STATEMENT =
  /(?:^|;)\s*(?:SET\s+(?!\s|LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|RESET\b|LISTEN\b|DISCARD\b|PREPARE\s+(?!\s|TRANSACTION\b)|DEALLOCATE\b|LOAD\b|DECLARE\b[^;]*\bWITH\s+HOLD\b|CREATE\s+(?:OR\s+REPLACE\s+)?(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\b|(?:SELECT|WITH)\b[^;]*\bINTO\s+(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\b)/i;
const SESSION_FUNCTION =
  /\b(?:set_config|pg_(?:try_)?advisory_lock(?:_shared)?)\s*\(|\bUPDATE\s+(?:ONLY\s+)?(?:pg_catalog\s*\.\s*)?"?pg_settings\b/i;
const LOCAL_SET_CONFIG = /\bset_config\s*\([^()]*,\s*true\s*\)/gi;

/**
 * Whether a statement may leave something on the session that outlives its transaction. Errs on the side
 * of yes, which costs a connection and never isolation: isolation does not depend on this, since every
 * batch carries its own binding; what it keeps out is temporary tables, locks, listeners and settings.
 */
export function leavesSessionState(sql: string): boolean {
  const text = fromFirstWord(sql);
  if (leaves(text)) return true;
  // A comment may stand between the words; what looks like one may be inside of a literal.
  const bare = withoutComments(text);
  return bare !== text && leaves(bare);
}

function leaves(text: string): boolean {
  return SESSION_STATEMENT.test(text) || SESSION_FUNCTION.test(text.replaceAll(LOCAL_SET_CONFIG, ''));
}

/** Without what may stand in front of the first word: white space, empty statements, comments. */
function fromFirstWord(sql: string): string {
  let at = 0;
  for (let end = endOfFiller(sql, at); end > at; end = endOfFiller(sql, at)) at = end;
  return at === 0 ? sql : sql.slice(at);
}

/** Comments as white space. Knows nothing of literals: for texts that have none, or where a mistake is harmless. */
function withoutComments(sql: string): string {
  const start = /--|\/\*/g;
  let bare = '';
  let from = 0;
  for (let found = start.exec(sql); found; found = start.exec(sql)) {
    bare += `${sql.slice(from, found.index)} `;
    from = endOfFiller(sql, found.index);
    start.lastIndex = from;
  }
  return bare + sql.slice(from);
}

/** Where the white space or comment that begins at `at` ends; `at` itself when there is none. */
function endOfFiller(sql: string, at: number): number {
  if (sql.startsWith('/*', at)) return endOfBlockComment(sql, at);
  const filler = /[\s;]+|--[^\n\r]*/y;
  filler.lastIndex = at;
  return filler.test(sql) ? filler.lastIndex : at;
}

/** Block comments nest in PostgreSQL. */
function endOfBlockComment(sql: string, at: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = at;
  let depth = 0;
  for (let found = mark.exec(sql); found; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}
