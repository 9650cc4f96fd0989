import { startPostgres } from '../server/start-postgres.ts';

/** A server for tests. */
export interface TestPostgres {
  /** Connects somebody who may create databases. Holds the password. */
  readonly url: string;
  /** True for a server that was there before, named by `TEST_DATABASE_URL`. */
  readonly external: boolean;
  /** Ends a server that was started here; an external one is left alone. */
  stop(): Promise<void>;
}

/**
 * Starts a temporary server, or takes the one named by `TEST_DATABASE_URL`.
 *
 * @throws {EmbeddedPostgresError} when no server can be started.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const external = process.env['TEST_DATABASE_URL'];
  if (external) return { url: external, external: true, stop: async () => {} };
  const server = await startPostgres();
  return { url: server.url, external: false, stop: () => server.stop() };
}
