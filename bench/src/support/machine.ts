import { availableParallelism, cpus, loadavg } from 'node:os';

/** What a reader needs to judge the numbers: where they were taken, and how busy it was. */
export function describeMachine(postgresVersion: string): string {
  const [load] = loadavg();
  return `Node ${process.version}, PostgreSQL ${postgresVersion}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, load ${load!.toFixed(1)}`;
}
