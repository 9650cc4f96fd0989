import type { WireConnection } from './pg-internals.js';

const writers = new WeakMap<WireConnection, BatchWriter>();

/** Collects what is sent to a connection, and sends it as one buffer: one system call, whatever is in it. */
export class BatchWriter {
  /** Stands in for the connection: same messages, but kept until {@link flush}. */
  readonly connection: WireConnection;
  #chunks: Buffer[] = [];

  private constructor(private readonly target: WireConnection) {
    const stream = { writable: true, write: (chunk: Buffer): unknown => this.#chunks.push(chunk) };
    this.connection = Object.create(target, { stream: { value: stream } }) as WireConnection;
  }

  static of(connection: WireConnection): BatchWriter {
    let writer = writers.get(connection);
    if (!writer) writers.set(connection, (writer = new BatchWriter(connection)));
    return writer;
  }

  discard(): void {
    this.#chunks = [];
  }

  flush(): void {
    const batch = Buffer.concat(this.#chunks);
    this.#chunks = [];
    const { stream } = this.target;
    // As pg does: what a dead socket would not take is not written, and its end is told to the statement.
    if (stream.writable) stream.write(batch);
  }
}
