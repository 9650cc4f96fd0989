import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';

/** What {@link startPostgres} may be told. */
export interface StartPostgresOptions {
  /**
   * Where the cluster lives and stays; made, with the directories above it, when it is not there. Files named
   * `<dataDir>.password`, `.log` and `.lock.<n>` lie beside it. Omitted: a temporary cluster that is removed when
   * the server stops.
   */
  readonly dataDir?: string;
  /**
   * `durable` waits for the disk at every commit. `throwaway` does not (fsync, full_page_writes and
   * synchronous_commit off): a crash of the machine may destroy the cluster, a crash of a process does not.
   * Default: `durable` with a `dataDir`, `throwaway` without.
   */
  readonly durability?: 'durable' | 'throwaway';
  /** TCP port on 127.0.0.1, 1 to 65535. Default: a free one, another one each time. */
  readonly port?: number;
  /**
   * More server settings, as in `postgresql.conf`; they win over our defaults (`max_connections` 200, UTC), but not
   * over what keeps the server local (`listen_addresses`, `unix_socket_directories`) and its log readable here.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * A directory with `postgres` and `initdb` of another PostgreSQL, for instance `/usr/lib/postgresql/15/bin`.
   * Default: `TENANTRY_POSTGRES_BIN` from the environment, else the binaries of the `embedded-postgres` package.
   */
  readonly binDir?: string;
  /** Milliseconds from the launch of the server until it must answer, crash recovery included. Default 60 000. */
  readonly startTimeoutMs?: number;
  /** Told, one line at a time, what a person at a terminal may want to know. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** The options with every default applied. */
export interface ResolvedStartPostgresOptions {
  readonly dataDir: string | undefined;
  readonly durability: 'durable' | 'throwaway';
  readonly port: number | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly binDir: string | undefined;
  readonly startTimeoutMs: number;
  readonly log: (line: string) => void;
}

/** Applies the defaults and refuses what cannot work. */
export function resolveStartPostgresOptions(input: StartPostgresOptions): ResolvedStartPostgresOptions {
  const { port, startTimeoutMs = 60_000 } = input;
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw invalid(`port must be a whole number from 1 to 65535, not ${port}. Omit it for a free port.`);
  }
  if (!(startTimeoutMs > 0)) throw invalid(`startTimeoutMs must be greater than 0, not ${startTimeoutMs}.`);
  if (input.dataDir === '') throw invalid('dataDir is empty. Omit it for a temporary cluster.');
  return Object.freeze({
    dataDir: input.dataDir,
    durability: input.durability ?? (input.dataDir === undefined ? 'throwaway' : 'durable'),
    port,
    settings: input.settings ?? {},
    binDir: input.binDir ?? (process.env['TENANTRY_POSTGRES_BIN'] || undefined),
    startTimeoutMs,
    log: input.log ?? (() => {}),
  });
}

function invalid(message: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError('EMBEDDED_POSTGRES_FAILED', `PostgreSQL was not started: ${message}`);
}
