import pg from 'pg';
import { TenantContext, type TenantScope } from '@tenantry/core';
import type { Binding } from '../binding/binding.js';
import {
  LeaseReleasedError,
  SessionNeededError,
  TransactionRolledBackError,
  UnboundSubmittableError,
} from '../binding/binding.errors.js';
import { bindingError, BoundStatement, type BatchPlan } from '../binding/bound-statement.js';
import type { PgClient, PgQuery, Submittable } from '../binding/pg-internals.js';
import * as rules from '../binding/rules.js';
import {
  kindOf,
  leavesSessionState,
  transactionCommand,
  withTransactionModes,
  type StatementKind,
} from '../binding/statement-kind.js';
import { requestCancel } from './cancel-request.js';
import type { ConnectionFacts } from './connection-facts.js';

type Callback = (error: Error | null | undefined, result?: unknown) => void;
type Release = (destroy?: Error | boolean) => void;
type Listener = (...args: unknown[]) => void;

export interface LeaseOptions {
  /** `undefined`: unbound, for what concerns no schema; unqualified names resolve to nothing. */
  readonly binding: Binding | undefined;
  /** Refuse several statements in one text, which only the simple protocol can carry. */
  readonly extendedOnly: boolean;
  /** False behind a transaction pooler, where the next batch may run on another session. */
  readonly hasSession: boolean;
  /** Scope of whoever borrows; when it is aborted, what runs here is cancelled. `undefined`: never. */
  readonly abortableBy?: TenantScope | undefined;
}

/**
 * A connection on loan to one tenant: looks like pg's client, binds every batch, and dies when it is
 * released. States of the transaction as this lease knows it:
 *
 *     none ── BEGIN ──▶ deferred ── first statement ──▶ open (bound) ── COMMIT/ROLLBACK ──▶ none
 *
 * `deferred` exists here only: BEGIN waits for the first statement and travels with it. What the
 * server says about its own state (ReadyForQuery) always wins over what this object believes.
 */
export class TenantLease {
  readonly #client: PgClient;
  readonly #facts: ConnectionFacts;
  readonly #options: LeaseOptions;
  readonly #giveBack: Release;
  readonly #listeners: (readonly [string, Listener])[] = [];
  #released = false;
  #outstanding = 0;
  #deferredBegin: string | undefined;
  #boundInTransaction = false;
  #unsure = false;
  #tainted = false;
  #broken = false;
  readonly #stopListeningForAbort: (() => void) | undefined;

  constructor(client: PgClient, facts: ConnectionFacts, giveBack: Release, options: LeaseOptions) {
    this.#client = client;
    this.#facts = facts;
    this.#giveBack = giveBack;
    this.#options = options;
    if (options.binding) facts.schemas.add(options.binding.schema);
    // pg-pool takes its own listener off while a client is out, and an error nobody hears ends the process.
    client.on('error', this.#onError);
    this.#stopListeningForAbort = options.abortableBy?.onAbort(() => this.#cancel());
  }

  get processID(): number | null {
    return this.#client.processID;
  }

  /** As `pg.Client.query`: text or config with values, or a submittable; promise or callback. */
  query(statement: string | pg.QueryConfig | Submittable, values?: unknown, callback?: unknown): unknown {
    const done = [values, callback].find((argument): argument is Callback => typeof argument === 'function');
    if (isSubmittable(statement)) return this.#submit(statement, done);
    const settled = this.#run(statement, Array.isArray(values) ? values : undefined);
    if (!done) return settled;
    const bound = TenantContext.bind(done);
    settled.then(
      (result) => bound(null, result),
      (error: Error) => bound(error),
    );
    return undefined;
  }

  /** Listeners go with the lease: left behind, they would hear what the server tells the next tenant. */
  on(event: string, listener: Listener): this {
    if (this.#released) throw new LeaseReleasedError();
    this.#client.on(event as 'error', listener);
    this.#listeners.push([event, listener]);
    return this;
  }

  once(event: string, listener: Listener): this {
    if (this.#released) throw new LeaseReleasedError();
    this.#client.once(event, listener);
    this.#listeners.push([event, listener]);
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    this.#client.removeListener(event, listener);
    return this;
  }

  /**
   * Gives the connection back, or ends it if it must not serve anybody else.
   *
   * @param error as pg: anything true ends it
   */
  readonly release = (error?: Error | boolean): void => {
    if (this.#released) throw new LeaseReleasedError();
    this.#released = true;
    this.#stopListeningForAbort?.();
    this.#client.removeListener('error', this.#onError);
    for (const [event, listener] of this.#listeners) this.#client.removeListener(event, listener);
    const destroy = rules.mustDestroy({
      status: this.#client.getTransactionStatus(),
      busy: this.#outstanding > 0 || !this.#client.readyForQuery,
      unsure: this.#unsure,
      tainted: this.#tainted,
      broken: this.#broken,
    });
    this.#giveBack(error || destroy);
  };

  /** A cancel may arrive late, so the connection is never used again, and can only hit itself. */
  #cancel(): void {
    if (this.#outstanding === 0) return;
    this.#unsure = true;
    requestCancel(this.#client);
  }

  readonly #onError = (): void => {
    this.#broken = true;
  };

  // No async function on the hot path: each would cost promises that Node's async context has to follow.
  #run(statement: string | pg.QueryConfig, values: readonly unknown[] | undefined): Promise<pg.QueryResult> {
    if (this.#released) return Promise.reject(new LeaseReleasedError());
    const text = (typeof statement === 'string' ? statement : statement.text) ?? '';
    const kind = kindOf(text);
    const local = this.#answerLocally(kind, text);
    if (local) return Promise.resolve(local);
    const leavesState = leavesSessionState(text);
    const status = this.#deferredBegin === undefined ? this.#status() : 'T';
    const goesAlone = rules.goesAlone(kind, status);
    if (!this.#options.hasSession && (leavesState || goesAlone))
      return Promise.reject(new SessionNeededError());
    this.#tainted ||= leavesState;
    const query = createQuery(statement, values);
    if (goesAlone && this.#options.binding) {
      return this.#runAlone(this.#options.binding, () => this.#send(kind, query, true));
    }
    return this.#send(kind, query, false);
  }

  /** BEGIN waits for company; a transaction that never had any was never started. */
  #answerLocally(kind: StatementKind, text: string): pg.QueryResult | undefined {
    if (this.#outstanding > 0) return undefined;
    if (kind === 'begin' && this.#deferredBegin === undefined && this.#status() === 'I') {
      this.#deferredBegin = transactionCommand(text);
      return commandResult('START TRANSACTION');
    }
    if (this.#deferredBegin === undefined) return undefined;
    switch (kind) {
      case 'set-transaction':
        this.#deferredBegin = withTransactionModes(this.#deferredBegin, text);
        return commandResult('SET');
      case 'commit':
      case 'rollback':
        // AND CHAIN starts the next one at once, in the same modes.
        if (!/\bAND\s+CHAIN\b/i.test(text)) this.#deferredBegin = undefined;
        return commandResult(kind === 'commit' ? 'COMMIT' : 'ROLLBACK');
      default:
        return undefined;
    }
  }

  #send(kind: StatementKind, query: PgQuery, alone: boolean): Promise<pg.QueryResult> {
    this.#prepareQuery(query);
    return new Promise((resolve, reject) => {
      query.callback = (error, result) => {
        if (error) {
          this.#unsure ||= rules.leavesUnsure(kind, error);
          reject(error);
        } else if (rules.commitWasRolledBack(kind, (result as pg.QueryResult).command)) {
          reject(new TransactionRolledBackError());
        } else resolve(result as pg.QueryResult);
      };
      this.#dispatch(query, kind, alone);
    });
  }

  #prepareQuery(query: PgQuery): void {
    // Never a named one: the plan that goes with the name would be another tenant's.
    query.name = undefined;
    if (this.#options.extendedOnly) query.queryMode = 'extended';
  }

  #dispatch(statement: Submittable, kind: StatementKind, alone: boolean): void {
    this.#outstanding++;
    const ended = (): void => {
      this.#outstanding--;
    };
    this.#client.query(new BoundStatement(statement, () => this.#planBatch(kind, alone), ended));
  }

  /** Asked when the batch is written: only then is the server's state before it known. */
  #planBatch(kind: StatementKind, alone: boolean): BatchPlan {
    const begin = this.#deferredBegin;
    const wasBound = this.#boundInTransaction;
    this.#deferredBegin = undefined;
    const status = begin === undefined ? this.#status() : 'T';
    if (begin !== undefined || status === 'I') this.#boundInTransaction = false;
    const isFirstBegin = kind === 'begin' && begin === undefined;
    const binds = !alone && !isFirstBegin && rules.carriesBinding(status, this.#boundInTransaction);
    if (binds && status === 'T') this.#boundInTransaction = true;
    if (rules.endsBinding(kind)) this.#boundInTransaction = false;
    return {
      prelude: { begin, binding: binds ? this.#options.binding : undefined },
      prepared: this.#facts.prepared,
      withdraw: () => {
        this.#deferredBegin = begin;
        this.#boundInTransaction = wasBound;
      },
    };
  }

  /**
   * Binds the session, runs the statement with nothing around it, and unbinds again. The connection is
   * ended afterwards in any case, so that a crash in between leaves nothing to anyone.
   */
  async #runAlone(binding: Binding, run: () => Promise<pg.QueryResult>): Promise<pg.QueryResult> {
    this.#tainted = true;
    const role =
      binding.role === undefined ? '' : `, set_config('role', ${pg.escapeLiteral(binding.role)}, false)`;
    await this.#client
      .query(
        `SELECT set_config('search_path', ${pg.escapeLiteral(binding.searchPath)}, false)${role}, ` +
          `${pg.escapeLiteral(`"${binding.schema}"`)}::regnamespace`,
      )
      .catch((error: Error) => {
        throw bindingError(error, binding);
      });
    try {
      return await run();
    } finally {
      await this.#client.query('RESET ROLE; RESET search_path').catch(() => {
        this.#broken = true;
      });
    }
  }

  /** Cursors and streams write extended messages and end with their own Sync: the prelude fits in front. */
  #submit(statement: Submittable, done: Callback | undefined): Submittable {
    if (this.#released) throw new LeaseReleasedError();
    const inTransaction = this.#boundInTransaction && this.#status() === 'T';
    if (!isExtended(statement) && !inTransaction && this.#options.binding) {
      throw new UnboundSubmittableError(statement.constructor.name);
    }
    if (isPgQuery(statement)) this.#prepareQuery(statement);
    const leavesState = leavesSessionState(textOf(statement));
    if (leavesState && !this.#options.hasSession) throw new SessionNeededError();
    this.#tainted ||= leavesState;
    if (done) statement.callback = TenantContext.bind(done);
    this.#dispatch(statement, 'plain', false);
    return statement;
  }

  #status(): rules.TransactionStatus {
    return this.#client.getTransactionStatus();
  }
}

function isSubmittable(statement: unknown): statement is Submittable {
  return typeof (statement as Submittable | undefined)?.submit === 'function';
}

function isPgQuery(statement: Submittable): statement is PgQuery {
  return 'requiresPreparation' in statement;
}

/** pg's Query, pg-cursor, or pg-query-stream around one: what speaks the extended protocol. */
function isExtended(statement: Submittable): boolean {
  const cursor = (statement as { cursor?: object }).cursor ?? statement;
  return '_portal' in cursor || 'requiresPreparation' in cursor;
}

function textOf(statement: Submittable): string {
  const { text, cursor } = statement as { text?: string; cursor?: { text?: string } };
  return cursor?.text ?? text ?? '';
}

function createQuery(statement: string | pg.QueryConfig, values: readonly unknown[] | undefined): PgQuery {
  const query = new pg.Query(statement as never, values as never) as unknown as PgQuery;
  if (typeof statement !== 'string')
    query.query_timeout = (statement as { query_timeout?: number }).query_timeout;
  return query;
}

function commandResult(command: string): pg.QueryResult {
  return { command, rowCount: null, oid: 0, fields: [], rows: [] };
}
