import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '@tenantry/dev-servers/testing';
import { Client } from 'pg';

/** PgBouncer refuses to run as root; this id needs no entry anywhere. */
const NOBODY = 65_534;

export interface PgBouncer {
  /** The given URL, through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  /** Direct connection of the login that goes through the pooler. */
  readonly url: string;
  /** Connections that PgBouncer opens to the server at the most. */
  readonly serverConnections: number;
}

/** A real PgBouncer in transaction mode. It has to be installed (Debian: `pgbouncer`); a missing one is a failure. */
export async function startPgBouncer({ url, serverConnections }: PgBouncerOptions): Promise<PgBouncer> {
  const target = new URL(url);
  const dir = mkdtempSync(join(tmpdir(), 'tenantry-pgbouncer-'));
  const port = await findFreePort();
  writeFileSync(join(dir, 'users.txt'), `"${target.username}" "${decodeURIComponent(target.password)}"\n`);
  writeFileSync(
    join(dir, 'pgbouncer.ini'),
    `[databases]
* = host=${target.hostname} port=${target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(dir, 'users.txt')}
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 200
`,
  );
  const asRoot = process.getuid?.() === 0;
  if (asRoot)
    for (const file of [dir, join(dir, 'users.txt'), join(dir, 'pgbouncer.ini')])
      chownSync(file, NOBODY, NOBODY);
  const pooler = spawn('pgbouncer', [join(dir, 'pgbouncer.ini')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(asRoot && { uid: NOBODY, gid: NOBODY }),
  });
  const log: string[] = [];
  pooler.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  const ended = once(pooler, 'exit');
  const pooled = new URL(url);
  pooled.host = `127.0.0.1:${port}`;
  await untilReady(pooled.href, () => pooler.exitCode !== null, log);
  return {
    url: pooled.href,
    stop: async () => {
      pooler.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function untilReady(url: string, hasEnded: () => boolean, log: readonly string[]): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      if (hasEnded() || Date.now() > deadline)
        throw new Error(`PgBouncer did not start:\n${log.join('')}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      await client.end().catch(() => {});
    }
  }
}
