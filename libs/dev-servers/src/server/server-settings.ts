import { STARTED_BY_US } from '../ownership/running-postmaster.ts';
import type { ResolvedStartPostgresOptions } from './start-postgres.options.ts';

const COMMON: Readonly<Record<string, string>> = {
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Statements may hold secrets, and the log is quoted in error messages.
  log_min_error_statement: 'panic',
};

/** Nothing survives a crash of the machine; tests start and run faster. */
const THROWAWAY: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

/** Not for the caller to change: the server is local, and its messages are read here. */
const FIXED: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  logging_collector: 'off',
  log_destination: 'stderr',
  lc_messages: 'C',
};

/** The arguments of `postgres` for a cluster and a port. */
export function serverArguments(
  dataDir: string,
  port: number,
  { durability, settings }: ResolvedStartPostgresOptions,
): string[] {
  const all = {
    ...COMMON,
    ...(durability === 'throwaway' && THROWAWAY),
    ...settings,
    ...FIXED,
    port: String(port),
  };
  const assignments = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return ['-D', dataDir, ...[...assignments, STARTED_BY_US].flatMap((assignment) => ['-c', assignment])];
}
