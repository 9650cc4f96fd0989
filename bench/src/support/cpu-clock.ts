import { readFile } from 'node:fs/promises';
import type { Client } from 'pg';
import type { CpuClock } from './blocks.js';

/**
 * CPU time of this process and of the backends that serve an application, in milliseconds. Linux only: backends are
 * read from /proc/<pid>/schedstat, whose first number is time on a CPU in nanoseconds.
 */
export async function cpuClock(admin: Client, applicationName: string): Promise<CpuClock> {
  const { rows } = await admin.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE application_name = $1',
    [applicationName],
  );
  const backends = rows.map(({ pid }) => pid);
  return async () => {
    const { user, system } = process.cpuUsage();
    const times = await Promise.all(backends.map(backendCpuMs));
    return (user + system) / 1_000 + times.reduce((sum, ms) => sum + ms, 0);
  };
}

async function backendCpuMs(pid: number): Promise<number> {
  const [nanoseconds] = (await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ');
  return Number(nanoseconds) / 1e6;
}
