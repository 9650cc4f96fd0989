import { BatchWriter } from './batch-writer.js';
import { BindingFailedError, TenantRoleUnusableError, TenantSchemaMissingError } from './binding.errors.js';
import type { Binding } from './binding.js';
import type { PgQuery, Submittable, WireConnection, WireMessage } from './pg-internals.js';
import { commandCount, encodePrelude, simpleText, type Prelude, type PreparedBindings } from './prelude.js';

/** What a statement asks its lease, at the moment it is put on the wire and not when it was queued. */
export interface BatchPlan {
  readonly prelude: Prelude;
  readonly prepared: PreparedBindings;
  /** Called instead of sending: the statement turned out to be one that cannot be sent, and nothing was. */
  readonly withdraw: () => void;
}

/**
 * A statement that carries its binding: the prelude goes out in front of it in the same batch, and the
 * server's answers to the prelude are taken out before the statement's own are handed on.
 */
export class BoundStatement implements Submittable {
  #plan: BatchPlan | undefined;
  #preludeLeft = 0;
  #preparing: string | undefined;

  /**
   * @param inner the statement itself: pg's Query, a cursor or a stream
   * @param plan asked once, when the statement is sent
   * @param ended told once, when its outcome is known and the server is ready again, or never will be
   */
  constructor(
    private readonly inner: Submittable,
    private readonly plan: () => BatchPlan,
    private ended: (() => void) | undefined,
  ) {}

  /** In milliseconds; pg reads it off whatever it is given to run. */
  get query_timeout(): number | undefined {
    return (this.inner as PgQuery).query_timeout;
  }

  get callback(): Submittable['callback'] {
    return this.inner.callback;
  }

  set callback(callback: Submittable['callback']) {
    this.inner.callback = callback;
  }

  /** pg puts its type parsers in here. */
  get _result(): unknown {
    return (this.inner as { _result?: unknown })._result;
  }

  submit(connection: WireConnection): Error | null | undefined | void {
    this.#plan = this.plan();
    const { prelude, prepared } = this.#plan;
    this.#preludeLeft = commandCount(prelude);
    if (this.#preludeLeft > 0 && isSimple(this.inner)) {
      connection.query(simpleText(prelude) + this.inner.text);
      return null;
    }
    // A cursor keeps its connection to fetch more, and so needs the real one.
    if (!isQuery(this.inner)) return this.#submitDirectly(connection);
    const writer = BatchWriter.of(connection);
    const { chunks, preparing } = encodePrelude(prelude, prepared);
    for (const chunk of chunks) writer.connection.stream.write(chunk);
    const refused = this.inner.submit(writer.connection);
    if (refused) {
      writer.discard();
      this.#plan.withdraw();
    } else {
      this.#preparing = preparing;
      writer.flush();
    }
    return refused;
  }

  #submitDirectly(connection: WireConnection): Error | null | undefined | void {
    const { prelude, prepared } = this.#plan!;
    const { stream } = connection;
    const { chunks, preparing } = encodePrelude(prelude, prepared);
    this.#preparing = preparing;
    stream.cork?.();
    try {
      // As pg does: what a dead socket would not take is not written, and its end is told to the statement.
      if (stream.writable) for (const chunk of chunks) stream.write(chunk);
      return this.inner.submit(connection);
    } finally {
      stream.uncork?.();
    }
  }

  handleRowDescription(message: WireMessage): void {
    if (this.#preludeLeft === 0) this.inner.handleRowDescription(message);
  }

  handleDataRow(message: WireMessage): void {
    if (this.#preludeLeft === 0) this.inner.handleDataRow(message);
  }

  handleCommandComplete(message: WireMessage, connection: WireConnection): void {
    if (this.#preludeLeft === 0) return this.inner.handleCommandComplete(message, connection);
    this.#preludeLeft--;
    if (this.#preludeLeft === 0 && this.#preparing !== undefined) this.#plan?.prepared?.add(this.#preparing);
  }

  handleError(error: Error, connection: WireConnection): void {
    const fromServer = 'severity' in error;
    const { prelude, prepared } = this.#plan ?? {};
    const failedToBind = this.#preludeLeft > 0 && prelude?.binding !== undefined && fromServer;
    // Someone may have dropped it with DISCARD or DEALLOCATE ALL out of our sight: prepare it anew next time.
    if (failedToBind) prepared?.clear();
    const told = failedToBind ? bindingError(error, prelude.binding) : error;
    // The server flushes an error ahead of ReadyForQuery. Told at once, the caller would release a connection
    // whose transaction status is still the old one. A cursor has not sent its Sync yet, and does it in here.
    if (fromServer && isQuery(this.inner)) this.#onceReady(connection, () => this.#fail(told, connection));
    else this.#fail(told, connection);
  }

  handleReadyForQuery(connection: WireConnection): void {
    this.#end();
    this.inner.handleReadyForQuery(connection);
  }

  handlePortalSuspended(connection: WireConnection): void {
    this.inner.handlePortalSuspended(connection);
  }

  handleEmptyQuery(connection: WireConnection): void {
    this.inner.handleEmptyQuery(connection);
  }

  handleCopyInResponse(connection: WireConnection): void {
    this.inner.handleCopyInResponse?.(connection);
  }

  handleCopyData(message: WireMessage, connection: WireConnection): void {
    this.inner.handleCopyData?.(message, connection);
  }

  #fail(error: Error, connection: WireConnection): void {
    this.#end();
    this.inner.handleError(error, connection);
  }

  #end(): void {
    this.ended?.();
    this.ended = undefined;
  }

  #onceReady(connection: WireConnection, then: () => void): void {
    const proceed = (): void => {
      connection.off('readyForQuery', proceed);
      connection.off('end', proceed);
      then();
    };
    connection.once('readyForQuery', proceed);
    connection.once('end', proceed);
  }
}

/** pg's own query, which has sent its Sync along; not one that fetches its rows page by page. */
function isQuery(statement: Submittable): statement is PgQuery {
  return 'requiresPreparation' in statement && !(statement as PgQuery).rows;
}

function isSimple(statement: Submittable): statement is PgQuery {
  return isQuery(statement) && typeof statement.text === 'string' && !statement.requiresPreparation();
}

export function bindingError(error: Error & { code?: string }, binding: Binding): Error {
  switch (error.code) {
    case '3F000': // invalid_schema_name
      return new TenantSchemaMissingError(binding.schema, error);
    case '22023': // invalid_parameter_value: the role does not exist
    case '42704': // undefined_object
    case '42501': // insufficient_privilege
      return new TenantRoleUnusableError(binding.role, error);
    default:
      return new BindingFailedError(binding.schema, error);
  }
}
