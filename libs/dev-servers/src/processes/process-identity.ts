import { readFileSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { runCommand } from './run-command.ts';

/**
 * True while a process with this id runs, whoever owns it. A zombie does not: where process 1 reaps nobody's
 * children but its own (Node in a container), an orphan stays one for ever.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !['Z', 'X'].includes(statFields(pid)?.[0] ?? '');
}

/**
 * Tells a process from a later one with the same id: the boot and the start time within it on Linux, the start
 * date from `ps` elsewhere. Undefined when there is no such process or the system does not tell.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html field 22, starttime
 */
export async function startIdentity(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return (await ps(pid, 'lstart')) || undefined;
  const startTime = statFields(pid)?.[19];
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return startTime === undefined ? undefined : `${boot.trim()}/${startTime}`;
}

/** The command line of a process, its words separated by spaces; empty when it cannot be read. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform !== 'linux') return ps(pid, 'args');
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return words.replaceAll('\0', ' ').trim();
}

/** The name of the program a process runs, without directories; empty when it cannot be read. */
export async function programName(pid: number): Promise<string> {
  if (process.platform !== 'linux') return basename(await ps(pid, 'comm'));
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
}

/** The working directory of a process; undefined where the system does not tell. */
export async function workingDirectory(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? readlink(`/proc/${pid}/cwd`).catch(() => undefined) : undefined;
}

/** The fields of /proc/<pid>/stat from the third, the state, on. */
function statFields(pid: number): string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

async function ps(pid: number, column: string): Promise<string> {
  const { code, stdout } = await runCommand('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)]);
  return code === 0 ? stdout.trim() : '';
}
