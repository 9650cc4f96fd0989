import { runCommand } from '../processes/run-command.ts';
import type { ServerUser } from './server-user.ts';

/**
 * Whether `user` can enter `directory`, found out by trying: a process drops to that user and asks the kernel.
 * Mode bits alone would miss ACLs, mounts and security modules. It starts as the caller, because `node` itself
 * may lie where `user` cannot go.
 */
export async function canEnter(user: ServerUser | undefined, directory: string): Promise<boolean> {
  if (!user) return true;
  const script = `
    process.setgroups([]);
    process.setgid(${user.gid});
    process.setuid(${user.uid});
    require('node:fs').accessSync(process.argv[1], require('node:fs').constants.X_OK);`;
  const { code } = await runCommand(process.execPath, ['-e', script, directory]);
  return code === 0;
}
