/**
 * Question: what does a sign-up cost everybody else, when each tenant has a role that the runtime login may take?
 * Each backend keeps the list of roles its login may take, and throws it away when any membership changes.
 * Method: one connection of the login takes a role, as a binding does, after: nothing; nothing again (the null check);
 * an unrelated change; a role that nobody was made a member of; a sign-up; a batch of fifty. Randomised order in
 * every round, medians with a 95 % interval. Beside it: the same tenants behind roles in between, a new backend,
 * and the isolation doctor at boot.
 */
import { startPostgres } from '@tenantry/dev-servers';
import { inspectIsolation, setUpDatabase } from '@tenantry/typeorm';
import { Client, escapeLiteral } from 'pg';
import { describeMachine } from '../support/machine.js';
import { medianWithInterval } from '../support/statistics.js';

const ROUNDS = Number(process.argv[2] ?? 40);
const SIZES = [10, 2_000, 10_000];
/** Tenants behind one role in between. */
const GROUP = 100;

/** So that every round meets as many tenants as the one before. */
const UNDO = `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'extra%' LOOP EXECUTE 'DROP ROLE ' || name; END LOOP;
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'extra%' LOOP EXECUTE 'DROP SCHEMA ' || name; END LOOP;
END $$`;

const server = await startPostgres();
const admin = await connect(server.url);
const runtime = { login: 'bench_app', password: 'bench' };
const isolation = { centralRole: 'bench_central' };
await setUpDatabase({ adminUrl: server.url, runtime, isolation });
await admin.query(`CREATE ROLE bench_grouped LOGIN NOINHERIT PASSWORD 'bench';
  GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO bench_grouped`);
const urlOf = (login: string): string => {
  const url = new URL(server.url);
  url.username = login;
  url.password = runtime.password;
  return url.href;
};

console.log(describeMachine(server.version));
let tenants = 0;
for (const size of SIZES) {
  await grow(size);
  await report(size);
}
await admin.end();
await server.stop();

/** Each tenant: a role, a schema and a table, as provisioning makes them. */
async function grow(size: number): Promise<void> {
  await admin.query(`DO $$ BEGIN
    FOR i IN ${tenants + 1}..${size} LOOP
      EXECUTE format('CREATE ROLE t_%s NOLOGIN', i);
      EXECUTE format(${escapeLiteral(grantOf('t_%s', runtime.login))}, i);
      EXECUTE format('CREATE SCHEMA t_%s; CREATE TABLE t_%s.orders (id int); GRANT USAGE ON SCHEMA t_%s TO t_%s', i, i, i, i);
      IF (i - 1) % ${GROUP} = 0 THEN
        EXECUTE format('CREATE ROLE g_%s NOLOGIN', i / ${GROUP});
        EXECUTE format(${escapeLiteral(grantOf('g_%s', 'bench_grouped'))}, i / ${GROUP});
      END IF;
      EXECUTE format(${escapeLiteral(grantOf('t_%s', 'g_%s'))}, i, (i - 1) / ${GROUP});
      IF i % ${GROUP} = 0 THEN COMMIT; END IF;
    END LOOP;
  END $$`);
  await admin.query('ANALYZE');
  tenants = size;
}

function grantOf(role: string, to: string): string {
  return Number.parseInt(server.version, 10) >= 16
    ? `GRANT ${role} TO ${to} WITH INHERIT FALSE, SET TRUE`
    : `GRANT ${role} TO ${to}`;
}

async function report(size: number): Promise<void> {
  const [direct, grouped] = [await connect(urlOf(runtime.login)), await connect(urlOf('bench_grouped'))];
  let made = 0;
  const signUps = (count: number): string => {
    const names = Array.from({ length: count }, () => `extra_${size}_${made++}`);
    return names.map((name) => `CREATE ROLE ${name} NOLOGIN; ${grantOf(name, runtime.login)}`).join('; ');
  };
  const variants: readonly { name: string; before?: () => string; client?: Client }[] = [
    { name: 'steady' },
    { name: 'null check: steady again' },
    { name: 'after an unrelated change (a schema)', before: () => `CREATE SCHEMA extra_${size}_${made++}` },
    {
      name: 'after a role nobody is a member of',
      before: () => `CREATE ROLE extra_${size}_${made++} NOLOGIN`,
    },
    { name: 'after a sign-up: role and membership', before: () => signUps(1) },
    { name: 'after fifty sign-ups in one transaction', before: () => signUps(50) },
    { name: `steady, ${GROUP} tenants behind each role`, client: grouped },
    {
      name: `after a sign-up, ${GROUP} tenants behind each role`,
      before: () => signUps(1),
      client: grouped,
    },
  ];
  const costs = new Map(variants.map(({ name }) => [name, [] as number[]]));
  for (const client of [direct, grouped]) for (let i = 0; i < 20; i++) await timeBinding(client);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, before, client = direct } of shuffled(variants)) {
      // Invalidations of the variant before must not be paid for by this one.
      await timeBinding(client);
      if (before) await admin.query(before());
      costs.get(name)!.push(await timeBinding(client));
      if (before) await admin.query(UNDO);
    }
  }
  const fresh: number[] = [];
  const boots: number[] = [];
  const thoroughly: number[] = [];
  const findings = new Set<string>();
  for (let round = 0; round < 10; round++) {
    const client = await connect(urlOf(runtime.login));
    fresh.push(await timeBinding(client));
    for (const [thorough, times] of [
      [false, boots],
      [true, thoroughly],
    ] as const) {
      const startedAt = performance.now();
      for (const { code } of await inspectIsolation(client, { isolation, tables: ['orders'], thorough }))
        findings.add(code);
      times.push(performance.now() - startedAt);
    }
    await client.end();
  }
  console.log(`\n${size} tenants: first binding of a role in one backend, ms (median [95 % interval])`);
  for (const [name, values] of costs) print(name, values);
  print('in a new backend', fresh);
  print(`isolation doctor at boot (found: ${[...findings].join(', ') || 'nothing'})`, boots);
  print('isolation doctor, thorough', thoroughly);
  await Promise.all([direct.end(), grouped.end()]);
}

/** What a binding does, and nothing else. */
async function timeBinding(client: Client): Promise<number> {
  const startedAt = performance.now();
  await client.query({ name: 'bind', text: `SELECT set_config('role', $1, true)`, values: ['t_1'] });
  return performance.now() - startedAt;
}

function print(name: string, values: readonly number[]): void {
  const { median, low, high } = medianWithInterval(values);
  console.log(`  ${name.padEnd(56)}${median.toFixed(2).padStart(8)} [${low.toFixed(2)}–${high.toFixed(2)}]`);
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}
