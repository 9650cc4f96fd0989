import { spawn } from 'node:child_process';
import { quietEnvironment } from './quiet-environment.ts';
import type { ServerUser } from '../placement/server-user.ts';

/** How a command ended, with everything it wrote. `code` is null when it could not run or was killed. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is run with besides its arguments. */
export interface CommandOptions {
  /** Whom to run as; the caller's own user when absent. */
  readonly user?: ServerUser | undefined;
  /** Written to standard input, which is closed afterwards. */
  readonly input?: string;
}

/** Runs a command to its end. Never rejects: a command that cannot be run has `code` null and says why on `stderr`. */
export function runCommand(
  command: string,
  args: readonly string[],
  { user, input }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...user, cwd: '/', env: quietEnvironment(), windowsHide: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => resolve({ code: null, stdout, stderr: stderr + error.message }));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    // A command that ends without reading its input is no failure of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
