import { chown, lchown, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';
import type { ServerUser } from '../placement/server-user.ts';
import { runCommand, type CommandResult } from '../processes/run-command.ts';

/** One run of initdb. */
export interface InitdbRun {
  readonly initdb: string;
  /** A private directory that holds `cluster` (not there yet) and `passwordFile`. */
  readonly nest: string;
  readonly cluster: string;
  readonly passwordFile: string;
  readonly user: ServerUser | undefined;
  readonly sync: boolean;
}

/**
 * Runs initdb. It is the one PostgreSQL program that insists on a name for its user id; where /etc/passwd has none
 * (a container started with `--user 12345`) it runs under an id that has one, and the files are the same.
 *
 * @throws {EmbeddedPostgresError} `EMBEDDED_POSTGRES_FAILED` with what initdb said.
 */
export async function runInitdb(run: InitdbRun): Promise<void> {
  let result = await runAs(run, run.user);
  if (/could not look up effective user ID/.test(result.stderr))
    result = await runUnderNamedUser(run, result);
  if (result.code === 0) return;
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_FAILED',
    `A new PostgreSQL cluster could not be made in ${run.nest}: ${result.stderr.trim()}. Nothing is left of it.`,
    { path: run.nest },
  );
}

async function runAs(
  run: InitdbRun,
  user: ServerUser | undefined,
  wrapper: string[] = [],
): Promise<CommandResult> {
  if (user) await giveTo(user, run.nest);
  const [command, ...args] = [...wrapper, run.initdb, ...initdbArguments(run)] as [string, ...string[]];
  return runCommand(command, args, { user });
}

function initdbArguments({ cluster, passwordFile, sync }: InitdbRun): string[] {
  return [
    `--pgdata=${cluster}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(sync ? [] : ['--no-sync']),
  ];
}

/** Root lends initdb another id and takes the files back; others need a user namespace, in which ids are theirs to name. */
async function runUnderNamedUser(run: InitdbRun, refused: CommandResult): Promise<CommandResult> {
  const named = await firstNamedUser();
  if (!named) return refused;
  if (run.user) {
    const result = await runAs(run, named);
    await giveTo(run.user, run.nest);
    return result;
  }
  const result = await runAs(run, undefined, ['unshare', '--user', `--map-user=${named.uid}`]);
  return result.code === 0
    ? result
    : { ...refused, stderr: `${refused.stderr.trim()} (and ${result.stderr.trim()})` };
}

async function firstNamedUser(): Promise<ServerUser | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return passwd
    .split('\n')
    .map((line) => line.split(':'))
    .map(([, , uid, gid]) => ({ uid: Number(uid), gid: Number(gid) }))
    .find(({ uid, gid }) => uid > 0 && Number.isInteger(gid));
}

async function giveTo({ uid, gid }: ServerUser, dir: string): Promise<void> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), uid, gid);
  await chown(dir, uid, gid);
}
