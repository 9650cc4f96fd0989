import pg from 'pg';
import { StartError } from '../start/start.error.js';
import { loginOf, serverOf } from './connection-url.js';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Runs `work` on one connection of its own.
 *
 * @param source whose connection string it is, such as `DATABASE_URL`, for the message
 * @throws {StartError} when no connection can be had
 */
export async function withSession<T>(
  source: string,
  url: string,
  work: (session: pg.Client) => Promise<T>,
): Promise<T> {
  const session = new pg.Client({
    connectionString: url,
    application_name: 'tenantry-start',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  session.on('error', () => {});
  try {
    await session.connect();
  } catch (error) {
    throw new StartError(
      `${source}: no connection to ${serverOf(url)} as '${loginOf(url)}': ${reasonOf(error)}.`,
      error,
    );
  }
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

/** Several addresses that all refuse make an error without a message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}
