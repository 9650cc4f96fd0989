import type { Client, QueryResult } from 'pg';
import type { TransactionStatus } from './rules.js';

/**
 * The semi-private parts of pg 8.23 that binding leans on. `pg-contract.spec.ts` fails loudly when a
 * release of pg changes one of them; the peer range is pinned to the minor for that reason.
 */
export interface WireConnection {
  readonly stream: {
    readonly writable: boolean;
    write(bytes: Buffer): unknown;
    cork?(): void;
    uncork?(): void;
  };
  query(text: string): void;
  once(event: 'readyForQuery' | 'end', listener: () => void): unknown;
  off(event: 'readyForQuery' | 'end', listener: () => void): unknown;
}

export interface WireMessage {
  readonly text?: string;
}

/** What `client.query()` accepts besides text: an object that writes and reads its own messages. */
export interface Submittable {
  callback?: ((error: Error | null | undefined, result?: unknown) => void) | undefined;
  submit(connection: WireConnection): Error | null | undefined | void;
  handleRowDescription(message: WireMessage): void;
  handleDataRow(message: WireMessage): void;
  handlePortalSuspended(connection: WireConnection): void;
  handleCommandComplete(message: WireMessage, connection: WireConnection): void;
  handleEmptyQuery(connection: WireConnection): void;
  handleReadyForQuery(connection: WireConnection): void;
  handleError(error: Error, connection: WireConnection): void;
  handleCopyInResponse?(connection: WireConnection): void;
  handleCopyData?(message: WireMessage, connection: WireConnection): void;
}

/** pg's own `Query`. */
export interface PgQuery extends Submittable {
  text: string;
  name: string | undefined;
  query_timeout?: number | undefined;
  /** Page size, for portals. */
  rows?: number;
  queryMode: 'extended' | undefined;
  requiresPreparation(): boolean;
}

export interface PgClient extends Omit<Client, 'query' | 'release'> {
  /** False while a statement is on the wire and its end has not been read. */
  readonly readyForQuery: boolean;
  readonly processID: number | null;
  readonly secretKey: number | null;
  getTransactionStatus(): TransactionStatus;
  query(statement: Submittable): unknown;
  query(text: string): Promise<QueryResult>;
}
