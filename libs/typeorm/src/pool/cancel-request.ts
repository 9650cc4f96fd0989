import pg from 'pg';
import type { PgClient } from '../binding/pg-internals.js';

interface CancellingConnection {
  connect(port: number, host: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: 'connect' | 'sslconnect' | 'error', listener: () => void): void;
}

/**
 * Asks the server, on a connection of its own as the protocol wants it, to cancel what `client` is running.
 * It may come too late and hit the next statement, so the connection must serve nobody afterwards.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function requestCancel(client: PgClient): void {
  const { processID, secretKey, host, port, ssl } = client;
  if (processID === null || secretKey === null) return;
  const connection = new pg.Connection({ ssl }) as unknown as CancellingConnection;
  const cancel = (): void => connection.cancel(processID, secretKey);
  // Best effort: a server that cannot be reached will not be asked twice.
  connection.on('error', () => {});
  connection.on('connect', () => (ssl ? connection.requestSsl() : cancel()));
  connection.on('sslconnect', cancel);
  connection.connect(port, host);
}
