import { readFile } from 'node:fs/promises';
import type { ServerUser } from '../placement/server-user.ts';
import { runCommand, type CommandOptions, type CommandResult } from './run-command.ts';

/**
 * Runs initdb or single-user PostgreSQL, which insist on a name for their user id (the server does not). An ordinary
 * user without an entry in /etc/passwd (a container started with `--user 12345`) gets a user namespace, in which the
 * same id goes by the number of somebody who has one; files keep their real owner.
 */
export async function runUnderName(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const refused = await runCommand(command, args, options);
  const named = lacksName(refused) && !options.user ? await findNamedUser() : undefined;
  if (!named) return refused;
  const result = await runCommand(
    'unshare',
    ['--user', `--map-user=${named.uid}`, command, ...args],
    options,
  );
  return result.code === 0
    ? result
    : { ...refused, stderr: `${refused.stderr.trim()} (and ${result.stderr.trim()})` };
}

/** True for a command that ended because its user has no name. */
export function lacksName({ stderr }: CommandResult): boolean {
  return stderr.includes('could not look up effective user ID');
}

/** Anybody but root in /etc/passwd. */
export async function findNamedUser(): Promise<ServerUser | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return passwd
    .split('\n')
    .map((line) => line.split(':'))
    .map(([, , uid, gid]) => ({ uid: Number(uid), gid: Number(gid) }))
    .find(({ uid, gid }) => uid > 0 && Number.isInteger(gid));
}
