import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';
import { readPostmasterFile, stopOrphan } from '../ownership/running-postmaster.ts';
import { SupervisedProcess } from '../supervision/supervised-process.ts';
import { findFreePort } from './free-port.ts';
import type { LaunchOrder } from './launch-order.ts';
import { ServerLog } from './server-log.ts';
import { serverArguments } from './server-settings.ts';
import { hindranceIn, startFailure } from './start-failure.ts';

/** A server that answers. */
export interface LaunchedServer {
  readonly process: SupervisedProcess;
  readonly log: ServerLog;
  readonly port: number;
  readonly url: string;
  readonly version: string;
  /** True when the server had to replay its log, or a predecessor had to be stopped on the way. */
  readonly recovered: boolean;
}

const MAX_ATTEMPTS = 10;
/** How long a fast shutdown may take before it becomes an immediate one. */
const PATIENCE_MS = 10_000;

/** Starts a server and waits until it answers; tries again when it lost a race that another try can win. */
export async function launchServer(order: LaunchOrder): Promise<LaunchedServer> {
  const { place, options } = order;
  let recovered = false;
  for (let attempt = 1; ; attempt++) {
    const launched = await launchOnce(order, options.port ?? (await findFreePort()));
    if ('version' in launched) return { ...launched, recovered: recovered || launched.recovered };

    const hindrance = hindranceIn(launched.output);
    const worthAnotherTry =
      (hindrance === 'port' && options.port === undefined) ||
      hindrance === 'predecessor' ||
      hindrance === 'remains';
    if (!worthAnotherTry || attempt === MAX_ATTEMPTS) throw await startFailure(order, launched);
    // A supervisor whose starter was killed may have launched its server after we looked for one.
    if (hindrance !== 'port') {
      recovered = (await stopOrphan(place.files.dataDir)) || recovered;
      await delay(100 * attempt);
    }
  }
}

async function launchOnce(
  order: LaunchOrder,
  port: number,
): Promise<LaunchedServer | { output: string; port: number }> {
  const { place, binaries, options, password } = order;
  const log = await ServerLog.follow(place.files.log);
  const process = new SupervisedProcess({
    command: binaries.postgres,
    args: serverArguments(place.files.dataDir, port, options),
    user: place.user,
    logFile: place.files.log,
    stopSignal: place.temporaryRoot === undefined ? 'SIGINT' : 'SIGQUIT',
    patienceMs: PATIENCE_MS,
    removeOnStop: place.temporaryRoot,
  });
  try {
    const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
    const version = await untilAnswering({ order, process, log, port, url });
    const output = await log.read();
    if (version === undefined) return { output, port };
    return { process, log, port, url, version, recovered: /automatic recovery in progress/.test(output) };
  } catch (error) {
    await process.stop();
    throw error;
  }
}

interface Expected extends Pick<LaunchedServer, 'process' | 'log' | 'port' | 'url'> {
  readonly order: LaunchOrder;
}

/** @returns the version of the server, or undefined when it ended before it answered. */
async function untilAnswering({ order, process, log, port, url }: Expected): Promise<string | undefined> {
  const { files } = order.place;
  const { startTimeoutMs } = order.options;
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    if (process.ended) return undefined;
    // The server's own word that it is ready on this port: some other server may be listening there.
    const postmaster = await readPostmasterFile(files.dataDir);
    const version =
      postmaster?.ready && postmaster.port === port ? await askVersion(url, files.password) : undefined;
    if (version !== undefined) return version;
    await delay(20);
  }
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_START_TIMEOUT',
    `PostgreSQL on ${files.dataDir} did not answer within ${startTimeoutMs} ms and was stopped. Raise startTimeoutMs ` +
      `if it was still recovering.\n${await log.tail()}`,
    { path: files.dataDir },
  );
}

async function askVersion(url: string, passwordFile: string): Promise<string | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version;
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code !== '28P01') return undefined;
    throw new EmbeddedPostgresError(
      'EMBEDDED_POSTGRES_FAILED',
      `The superuser's password is not the one kept in ${passwordFile}. Delete that file: the next start sets a ` +
        'new password.',
      { path: passwordFile, cause },
    );
  } finally {
    await client.end().catch(() => {});
  }
}
