import fc from 'fast-check';
import { kindOf, leavesSessionState, transactionCommand, withTransactionModes } from './statement-kind.js';

describe('kindOf', () => {
  it.each([
    ['BEGIN', 'begin'],
    ['begin;', 'begin'],
    ['Begin Work', 'begin'],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY', 'begin'],
    ['START TRANSACTION', 'begin'],
    ['start\n\ttransaction read only ;', 'begin'],
    ['START/* both words */TRANSACTION', 'begin'],
    ['START', 'plain'],
    ['START_DATE', 'plain'],
    ['BEGINNING', 'plain'],

    ['COMMIT', 'commit'],
    ['commit work;', 'commit'],
    ['COMMIT AND CHAIN', 'commit'],
    ['END', 'commit'],
    ['end transaction', 'commit'],
    ["COMMIT /*traceparent='00-4bf9'*/", 'commit'],
    ['COMMIT -- done', 'commit'],
    ["COMMIT PREPARED 'x'", 'alone'],

    ['ROLLBACK', 'rollback'],
    ['rollback and no chain', 'rollback'],
    ['ABORT', 'rollback'],
    ["ROLLBACK PREPARED 'x'", 'alone'],
    ['ROLLBACK TO SAVEPOINT s', 'plain'],
    ['rollback to s', 'plain'],
    ['ROLLBACK WORK TO s', 'plain'],
    ['ROLLBACK TRANSACTION TO SAVEPOINT "s"', 'plain'],
    ['SAVEPOINT s', 'plain'],
    ['RELEASE SAVEPOINT s', 'plain'],

    ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'set-transaction'],
    ['set  transaction  read only;', 'set-transaction'],
    ["SET TRANSACTION SNAPSHOT '00000003-1'", 'plain'],
    ['SET TRANSACTION  SNAPSHOT x', 'plain'],
    ['SET LOCAL search_path = x', 'plain'],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', 'plain'],

    ['VACUUM', 'alone'],
    ['VACUUM (FULL) x', 'alone'],
    ['CALL f()', 'alone'],
    ['DO $$ BEGIN END $$', 'alone'],
    ['create unique index concurrently i on t (a)', 'alone'],
    ['DROP INDEX CONCURRENTLY i', 'alone'],
    ['REINDEX (VERBOSE) TABLE CONCURRENTLY t', 'alone'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY v', 'alone'],
    ['CREATE DATABASE d', 'alone'],
    ['CREATE INDEX i ON t (a)', 'plain'],
    ['REINDEX TABLE t', 'plain'],
    ['DOMAIN', 'plain'],

    ['', 'plain'],
    [' ; ', 'plain'],
    ['SELECT 1', 'plain'],
    ['(SELECT 1)', 'plain'],
    ['/* COMMIT */ SELECT 1', 'plain'],
    ['-- COMMIT\nSELECT 1', 'plain'],
  ])('takes %j for %s', (sql, kind) => {
    expect(kindOf(sql)).toBe(kind);
  });

  it.each([
    '  \n\t',
    '-- a comment\n',
    '-- a comment\r\n',
    '/* one */',
    '/* /* nested */ */ ',
    ';',
    ' ; /**/ -- x\n',
  ])('looks behind %j', (filler) => {
    expect([kindOf(`${filler}COMMIT`), kindOf(`${filler}VACUUM`), kindOf(`${filler}SELECT 1`)]).toEqual([
      'commit',
      'alone',
      'plain',
    ]);
  });

  it.each([
    'BEGIN; INSERT INTO t VALUES (1); COMMIT',
    'COMMIT; SELECT 1',
    'ROLLBACK; DROP TABLE t',
    'SET TRANSACTION READ ONLY; SELECT 1',
    'BEGIN /* ; */ ; SELECT 1',
    'BEGIN -- ;\n; SELECT 1',
  ])('does not take %j for the one statement that it begins with', (sql) => {
    expect(kindOf(sql)).toBe('plain');
  });

  it('never fails, whatever the text', () => {
    fc.assert(
      fc.property(anySql(), (sql) => {
        kindOf(sql);
        leavesSessionState(sql);
        transactionCommand(sql);
      }),
      { numRuns: 2_000 },
    );
  });

  it('answers for transaction control only when words are all there is', () => {
    fc.assert(
      fc.property(anySql(), (sql) => {
        const control = ['begin', 'commit', 'rollback', 'set-transaction'].includes(kindOf(sql));
        return !control || /^[a-z][\w\s,]*$/i.test(transactionCommand(sql) ?? '');
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads a long text in no time', () => {
    const fillers = [
      '/*',
      '/* */',
      '--',
      '-- \n',
      ';',
      ' ',
      'SET ',
      'SET  LOCAL ',
      'set_config(',
      'REINDEX ',
      'a',
    ];
    for (const filler of fillers) {
      const sql = filler.repeat(200_000 / filler.length);
      expect([kindOf(sql), leavesSessionState(sql)]).toHaveLength(2);
    }
  });
});

describe('transactionCommand', () => {
  it.each([
    ['BEGIN', 'BEGIN'],
    ['  /* why */ BEGIN ; ', 'BEGIN'],
    ['BEGIN -- why', 'BEGIN'],
    ['START TRANSACTION READ ONLY;', 'START TRANSACTION READ ONLY'],
  ])('leaves of %j what another statement can be put behind', (sql, command) => {
    expect(transactionCommand(sql)).toBe(command);
  });

  it.each(['BEGIN; SELECT 1', "COMMIT PREPARED 'x'", 'ROLLBACK TO "x"'])('gives nothing for %j', (sql) => {
    expect(transactionCommand(sql)).toBeUndefined();
  });
});

describe('withTransactionModes', () => {
  it('joins the modes of SET TRANSACTION to the statement that begins it', () => {
    expect(
      withTransactionModes('START TRANSACTION', '/* x */ SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;'),
    ).toBe('START TRANSACTION ISOLATION LEVEL SERIALIZABLE');
  });
});

describe('leavesSessionState', () => {
  it.each([
    'SET search_path = x',
    'set session statement_timeout = 0',
    'SET ROLE x',
    'SET SESSION AUTHORIZATION x',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    "SET TIME ZONE 'UTC'",
    'RESET ALL',
    'DISCARD TEMP',
    'LISTEN jobs',
    "LOAD 'x'",
    'PREPARE p AS SELECT 1',
    'DEALLOCATE ALL',
    'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
    'CREATE TEMP TABLE t (a int)',
    'create temporary view v AS SELECT 1',
    'CREATE OR REPLACE TEMP VIEW v AS SELECT 1',
    'CREATE LOCAL TEMPORARY TABLE t (a int)',
    'SELECT 1 AS a INTO TEMP t',
    'WITH w AS (SELECT 1 AS a) SELECT * INTO TEMPORARY t FROM w',
    "SELECT set_config('search_path', 'x', false)",
    "SELECT set_config('search_path', $1, $2)",
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_try_advisory_lock_shared(1)',
    'SELECT 1; SET ROLE x',
    '/* first */ SET/**/ROLE x',
    'CREATE /* why */ TEMP TABLE t (a int)',
  ])('says yes to %j', (sql) => {
    expect(leavesSessionState(sql)).toBe(true);
  });

  it.each([
    'SET LOCAL search_path = x',
    'SET  LOCAL statement_timeout = 0',
    'SET TRANSACTION READ ONLY',
    'SET CONSTRAINTS ALL DEFERRED',
    'UPDATE t SET x = 1',
    'UPDATE t\nSET x = 1',
    'INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET x = 1',
    'ALTER TABLE t ALTER a SET NOT NULL',
    'CREATE TABLE temperatures (a int)',
    'CREATE TABLE t AS SELECT 1',
    'SELECT reset, listen FROM t',
    'SELECT template INTO t2 FROM t',
    'DECLARE c CURSOR FOR SELECT 1',
    "PREPARE TRANSACTION 'x'",
    "SELECT set_config('search_path', $1, true)",
    'SELECT pg_advisory_xact_lock(1)',
    'SELECT pg_try_advisory_xact_lock_shared(1)',
    'NOTIFY jobs',
    '',
  ])('says no to %j', (sql) => {
    expect(leavesSessionState(sql)).toBe(false);
  });

  it('finds a session statement behind any comment or text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const literal = `'${text.replaceAll("'", "''")}'`;
        expect(leavesSessionState(`SELECT ${literal}; SET ROLE x`)).toBe(true);
        expect(leavesSessionState(`SELECT ${literal}, set_config('role', 'x', false)`)).toBe(true);
      }),
    );
  });
});

const WORDS = `BEGIN COMMIT END ROLLBACK TO SET TRANSACTION LOCAL LISTEN TEMP PREPARED set_config( true false
  'x' "x" $$ -- /* */ ; , ( )`.split(/\s+/);

/** Texts of every sort, with the words that matter in literals, identifiers and comments too. */
function anySql(): fc.Arbitrary<string> {
  const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n', ...WORDS));
  return fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(' '));
}
