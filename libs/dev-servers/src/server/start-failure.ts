import { corrupt } from '../cluster/cluster-inspection.ts';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';
import { inUse, readPostmasterFile } from '../ownership/running-postmaster.ts';
import { runCommand } from '../processes/run-command.ts';
import type { LaunchOrder } from './launch-order.ts';
import { serverArguments } from './server-settings.ts';

/** A server that ended before it answered. */
export interface EndedLaunch {
  /** What it had written. */
  readonly output: string;
  readonly port: number;
}

/**
 * What kept a server from starting: its port was taken (`port`), another server is in the directory (`predecessor`)
 * or processes of a killed one are (`remains`), or the machine refused something (`machine`).
 */
export type Hindrance = 'port' | 'predecessor' | 'remains' | 'machine';

const SIGNS: readonly (readonly [Hindrance, RegExp])[] = [
  ['predecessor', /lock file "postmaster\.pid" already exists/],
  ['remains', /pre-existing shared memory block/],
  ['port', /Address already in use/],
  [
    'machine',
    /No space left on device|Cannot allocate memory|Too many open files|Permission denied|Read-only file system/,
  ],
];

/** Reads the reason in the server's own (untranslated) words. */
export function hindranceIn(output: string): Hindrance | undefined {
  return SIGNS.find(([, sign]) => sign.test(output))?.[0];
}

/** The error for a server that ended instead of starting. */
export async function startFailure(
  order: LaunchOrder,
  { output, port }: EndedLaunch,
): Promise<EmbeddedPostgresError> {
  const { dataDir } = order.place.files;
  const logTail = output.trimEnd().split('\n').slice(-12).join('\n');
  const hindrance = hindranceIn(output);
  if (hindrance === 'port') {
    return new EmbeddedPostgresError(
      'EMBEDDED_POSTGRES_PORT_IN_USE',
      `PostgreSQL cannot listen on 127.0.0.1:${port}: another program does. Stop that one, name another port, or omit ` +
        'port for a free one.',
      { path: dataDir },
    );
  }
  if (hindrance === 'predecessor') {
    const postmaster = await readPostmasterFile(dataDir);
    if (postmaster) return inUse(dataDir, postmaster.pid, 'a PostgreSQL server');
  }
  const complaint = await settingsComplaint(order, port);
  if (hindrance === undefined && complaint === undefined && !order.isNewCluster) {
    return corrupt(dataDir, 'PostgreSQL refuses to start on it', logTail);
  }
  return new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_FAILED',
    `PostgreSQL ended while it was starting on ${dataDir}. ${complaint ? 'Correct the settings' : 'Its last words'}:\n` +
      (complaint ?? logTail),
    { path: dataDir },
  );
}

/** Has the settings read and nothing else: a server that stumbles over them has nothing against its data. */
async function settingsComplaint(
  { binaries, place, options }: LaunchOrder,
  port: number,
): Promise<string | undefined> {
  const args = [...serverArguments(place.files.dataDir, port, options), '-C', 'port'];
  const { code, stderr } = await runCommand(binaries.postgres, args, { user: place.user });
  return code === 0 ? undefined : stderr.trim();
}
