import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { TenantContext, type Tenant } from '@tenantry/core';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import type { IsolationLevel } from '../../src/datasource/tenant-data-source.options.js';
import type { Attack, AttackGroup, Step, Target, Verdict } from './attacks.js';

class CreateVault1720000000000 implements MigrationInterface {
  readonly name = 'CreateVault1720000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'CREATE TABLE vault (id int PRIMARY KEY, secret text NOT NULL); CREATE VIEW vault_view AS SELECT * FROM vault; CREATE SEQUENCE counter',
    );
  }

  async down(): Promise<void> {}
}

/** Enough rows of one value for it to get into the statistics. */
const ROWS = 50;
/** Where the other tenant's sequence stands; nothing else has this number in it. */
const COUNTED = 424_200_000;

export interface Aftermath {
  readonly globex: unknown;
  readonly acme: unknown;
  readonly unbound: unknown;
}

/** Two tenants, a canary in each, and another process's session, on the real path of a runtime. */
export interface Battlefield {
  attack(attack: Attack & Pick<AttackGroup, 'seeks'>): Promise<Verdict>;
  /** What the next borrowers of the connection see. */
  aftermath(): Promise<Aftermath>;
  /** The same before any attack. */
  readonly untouched: Aftermath;
  close(): Promise<void>;
}

export async function openBattlefield(level: IsolationLevel): Promise<Battlefield> {
  const database = await openTenantDatabase({
    migrations: [CreateVault1720000000000],
    isolation: { level },
    // One connection: whoever comes next gets what the attack left.
    typeorm: { poolSize: 1 },
  });
  const { dataSource } = database;
  const [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  const canaries = { acme: canary('acme'), globex: canary('globex'), peer: canary('globexpeer') };
  const run = (tenant: Tenant, sql: string, parameters?: unknown[]): Promise<unknown> =>
    TenantContext.run(tenant, () => dataSource.query(sql, parameters));
  const admin = await connect(database.adminUrl);

  for (const [tenant, secret] of [
    [acme, canaries.acme],
    [globex, canaries.globex],
  ] as const) {
    await run(tenant, 'INSERT INTO vault SELECT n, $1 FROM generate_series(1, $2::int) n', [secret, ROWS]);
    await admin.query(`ANALYZE "${tenant.schema}".vault`);
  }
  await admin.query(`SELECT setval('"${globex.schema}".counter', ${COUNTED})`);
  const [{ largeObject }] = (await run(
    globex,
    `SELECT lo_from_bytea(0, convert_to($1, 'UTF8'))::int AS "largeObject"`,
    [canaries.globex],
  )) as [{ largeObject: number }];

  let peer: Peer | undefined;
  const target = async (): Promise<Target> => {
    if (!peer?.alive) peer = await openPeer(database.runtimeUrl, canaries.peer);
    return {
      a: acme.schema,
      b: globex.schema,
      login: new URL(database.runtimeUrl).username,
      peerPid: peer.pid,
      largeObject,
    };
  };
  const secretsOfOthers = [canaries.globex, canaries.peer, String(COUNTED).slice(0, -3)];
  const seen = (tenant: Tenant): Promise<unknown> =>
    run(
      tenant,
      `SELECT current_user AS role, current_schema() AS schema, current_setting('search_path') AS path,
         (SELECT array_agg(DISTINCT secret) FROM vault) AS secrets, (SELECT count(*)::int FROM vault) AS rows,
         (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
         ARRAY(SELECT name FROM pg_cursors WHERE is_holdable) AS cursors, ARRAY(SELECT pg_listening_channels()) AS channels,
         current_setting('statement_timeout') AS timeout, current_setting('work_mem') AS memory`,
    );
  const aftermath = async (): Promise<Aftermath> => {
    const unbound = await (dataSource.driver as unknown as { master: pg.Pool }).master.query(
      `SELECT current_user AS role, current_schema() AS schema, current_setting('search_path') AS path`,
    );
    return { globex: await seen(globex), acme: await seen(acme), unbound: unbound.rows };
  };

  return {
    attack: async ({ steps, seeks }) => {
      const planned = steps(await target());
      const outcome = await TenantContext.run(acme, () => runSteps(dataSource.createQueryRunner(), planned));
      const last = planned.at(-1);
      const isQuery = typeof last === 'string' && last.startsWith('SELECT');
      if (secretsOfOthers.some((secret) => outcome.text.includes(secret))) return 'LEAK';
      if (outcome.sqlState !== undefined) return outcome.sqlState as Verdict;
      // A command that did not fail took effect; a query did if it shows something.
      const tookEffect = seeks === 'effect' && (!isQuery || outcome.rows.length > 0);
      return tookEffect ? 'WORKS' : 'nothing';
    },
    aftermath,
    untouched: await aftermath(),
    close: async () => {
      await peer?.end();
      // No role's to drop: large objects belong to the role that made them.
      await admin.query(`SELECT lo_unlink(${largeObject})`);
      await admin.end();
      await database.close();
    },
  };
}

interface Outcome {
  readonly rows: readonly unknown[];
  /** Everything that came back, also in errors. */
  readonly text: string;
  readonly sqlState: string | undefined;
}

/** All on one lease, one after the other; ends at the first that fails, as a program would. */
async function runSteps(queryRunner: QueryRunner, steps: readonly Step[]): Promise<Outcome> {
  const results: unknown[] = [];
  try {
    for (const step of steps) {
      const { sql, parameters } = typeof step === 'string' ? { sql: step, parameters: undefined } : step;
      results.push(await queryRunner.query(sql, parameters));
    }
    return { rows: [results.at(-1)].flat(), text: JSON.stringify(results), sqlState: undefined };
  } catch (error) {
    const { code, message, detail } = (error as { driverError: pg.DatabaseError }).driverError;
    return { rows: [], text: JSON.stringify([results, message, detail]), sqlState: code };
  } finally {
    await queryRunner.release();
  }
}

interface Peer {
  readonly pid: number;
  readonly alive: boolean;
  end(): Promise<void>;
}

/** A session of the same login whose last statement had a secret in its text. */
async function openPeer(url: string, secret: string): Promise<Peer> {
  const client = await connect(url);
  let alive = true;
  client.on('end', () => (alive = false));
  const { rows } = await client.query<{ pid: number }>(`SELECT pg_backend_pid() AS pid, '${secret}'`);
  return {
    pid: rows[0]!.pid,
    get alive() {
      return alive;
    },
    end: () => client.end(),
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  return client;
}

function canary(name: string): string {
  return `${name}canary${randomBytes(6).toString('hex')}`;
}
