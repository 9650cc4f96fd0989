import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { resolveBinaries, type PostgresBinaries } from '../binaries/postgres-binaries.ts';
import { initialiseCluster } from '../cluster/cluster-initialisation.ts';
import { inspectCluster } from '../cluster/cluster-inspection.ts';
import { findPassword, keepNewPassword, resetPassword } from '../cluster/superuser-password.ts';
import { DirectoryLock } from '../ownership/directory-lock.ts';
import { inUse, stopOrphan } from '../ownership/running-postmaster.ts';
import { persistentPlace, temporaryPlace, type ClusterPlace } from '../placement/cluster-place.ts';
import { removeAbandonedServers } from './abandoned-servers.ts';
import { type LaunchedServer, launchServer } from './server-launch.ts';
import {
  resolveStartPostgresOptions,
  type ResolvedStartPostgresOptions,
  type StartPostgresOptions,
} from './start-postgres.options.ts';

/** How a server ended. */
export interface PostgresExit {
  /** Its exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its log; empty for a temporary server that was stopped. */
  readonly logTail: string;
}

/** A running server. It ends with this process, however this process ends. */
export interface PostgresServer {
  /** Connects the superuser `postgres` to the database `postgres`. Holds the password: not for logs. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** The absolute path of the data directory as it was asked for. */
  readonly dataDir: string;
  /** Where the data really is, when `dataDir` is a link to another place. */
  readonly relocatedTo?: string;
  /** For instance `18.4`. */
  readonly version: string;
  /** True when an earlier run had been cut short: an orphan was stopped, or crash recovery ran. */
  readonly recovered: boolean;
  /** Settles when the server has ended, by `stop` or by itself. Never rejects. */
  readonly exited: Promise<PostgresExit>;
  /** Stops the server and waits for its end; a temporary cluster is removed. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on 127.0.0.1 and waits until it answers. A cluster is made where there is none; a server that a
 * killed process left behind on the same `dataDir` is stopped first. The server does not keep this process running.
 *
 * @throws {EmbeddedPostgresError} with a `code` for each reason; data in a given `dataDir` is never deleted.
 * @example
 * ```ts
 * const server = await startPostgres({ dataDir: '.tenantry/postgres', log: console.log });
 * void server.exited.then(({ logTail }) => console.error(`PostgreSQL has ended.\n${logTail}`));
 * ```
 */
export async function startPostgres(input: StartPostgresOptions = {}): Promise<PostgresServer> {
  const options = resolveStartPostgresOptions(input);
  const place =
    options.dataDir === undefined ? await temporaryPlace() : await persistentPlace(options.dataDir);
  const { dataDir, lockPrefix } = place.files;
  try {
    const lock = await DirectoryLock.acquire(lockPrefix);
    if (typeof lock === 'number') throw inUse(dataDir, lock);
    try {
      return await startLocked(place, options, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (place.temporaryRoot) await rm(place.temporaryRoot, { recursive: true, force: true });
    throw error;
  }
}

async function startLocked(
  place: ClusterPlace,
  options: ResolvedStartPostgresOptions,
  lock: DirectoryLock,
): Promise<PostgresServer> {
  const { files, user, relocatedTo, temporaryRoot } = place;
  if (temporaryRoot) await removeAbandonedServers(dirname(temporaryRoot));
  const binaries = await resolveBinaries(options.binDir, user);
  const stoppedOrphan = await stopOrphan(files.dataDir);
  if (stoppedOrphan)
    options.log(`Stopped the PostgreSQL server that an earlier run left behind in ${files.dataDir}.`);
  const cluster = await ensureCluster(place, binaries, options);
  const launched = await launchServer({ place, binaries, options, ...cluster });

  const { process, port, url, version } = launched;
  const exited = whenEnded(launched, place, lock);
  const asked = resolve(options.dataDir ?? files.dataDir);
  options.log(`PostgreSQL ${version} is listening on 127.0.0.1:${port}, data in ${asked}.`);
  if (relocatedTo) options.log(`${asked} is a link: the data is in ${relocatedTo}.`);
  return {
    url,
    host: '127.0.0.1',
    port,
    dataDir: asked,
    ...(relocatedTo !== undefined && { relocatedTo }),
    version,
    recovered: stoppedOrphan || launched.recovered,
    exited,
    stop: async () => {
      await process.stop();
      await exited;
    },
  };
}

/** Finds the cluster or makes it, and knows its password. */
async function ensureCluster(
  { files, user }: ClusterPlace,
  binaries: PostgresBinaries,
  { durability, log }: ResolvedStartPostgresOptions,
): Promise<{ password: string; isNewCluster: boolean }> {
  const found = await inspectCluster(files.dataDir, binaries.majorVersion);
  const known = await findPassword(files.password);
  if (found === 'cluster') {
    const password = known ?? (await resetPassword(binaries, files, user));
    return { password, isNewCluster: false };
  }
  log(`Making a new PostgreSQL ${binaries.majorVersion} cluster in ${files.dataDir}.`);
  const password = known ?? (await keepNewPassword(files.password));
  await initialiseCluster({ binaries, files, user, password, sync: durability === 'durable' });
  return { password, isNewCluster: true };
}

async function whenEnded(
  { process, log }: LaunchedServer,
  { files, temporaryRoot }: ClusterPlace,
  lock: DirectoryLock,
): Promise<PostgresExit> {
  const { code, signal, abandoned } = await process.exited;
  // Whoever killed the supervisor left the server to us. One that does not stop is found by the next start.
  if (abandoned) await stopOrphan(files.dataDir).catch(() => {});
  const logTail = await log.tail().catch(() => '');
  if (temporaryRoot) await rm(temporaryRoot, { recursive: true, force: true }).catch(() => {});
  await lock.release().catch(() => {});
  return { code, signal, logTail };
}
