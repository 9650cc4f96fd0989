import { chown, lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';
import type { ServerUser } from '../placement/server-user.ts';
import type { CommandResult } from '../processes/run-command.ts';
import { findNamedUser, lacksName, runUnderName } from '../processes/run-under-name.ts';

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
 * Runs initdb. Where `nobody` has no entry in /etc/passwd, root lends it the id of somebody who has one and gives the
 * files to the server's user afterwards: the cluster is the same.
 *
 * @throws {EmbeddedPostgresError} `EMBEDDED_POSTGRES_FAILED` with what initdb said.
 */
export async function runInitdb(run: InitdbRun): Promise<void> {
  let result = await runAs(run, run.user);
  if (run.user && lacksName(result)) {
    const named = await findNamedUser();
    if (named) result = await runAs(run, named);
    await giveTo(run.user, run.nest);
  }
  if (result.code === 0) return;
  const advice = lacksName(result) ? 'Give this user id an entry in /etc/passwd.' : 'Nothing is left of it.';
  throw new EmbeddedPostgresError(
    'EMBEDDED_POSTGRES_FAILED',
    `A new PostgreSQL cluster could not be made in ${run.nest}: ${result.stderr.trim()}. ${advice}`,
    { path: run.nest },
  );
}

async function runAs(run: InitdbRun, user: ServerUser | undefined): Promise<CommandResult> {
  if (user) await giveTo(user, run.nest);
  return runUnderName(run.initdb, initdbArguments(run), { user });
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

async function giveTo({ uid, gid }: ServerUser, dir: string): Promise<void> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), uid, gid);
  await chown(dir, uid, gid);
}
