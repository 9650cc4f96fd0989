import pg from 'pg';
import Cursor from 'pg-cursor';
import { TenantContext, type Tenant } from '@tenantry/core';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import { createBinding, type Binding } from '../../src/binding/binding.js';
import { LeaseReleasedError, UnboundSubmittableError } from '../../src/binding/binding.errors.js';
import type { Submittable } from '../../src/binding/pg-internals.js';
import type { TenantLease } from '../../src/pool/tenant-lease.js';
import { TenantPoolExhaustedError } from '../../src/pool/tenant-pool.errors.js';
import {
  DEFAULT_TENANT_POOL_OPTIONS,
  resolveTenantPoolOptions,
  type TenantPoolOptions,
} from '../../src/pool/tenant-pool.options.js';
import { TenantPool } from '../../src/pool/tenant-pool.js';
import type { TenantDatabase } from '../../src/testing/index.js';
import { CreateNotes1700000001000 } from '../datasource/notes.js';
import { Sessions } from './sessions.js';

const APPLICATION = 'pool-under-test';
/** The server has something to say about it, and does nothing. */
const NOTICE = 'DROP TABLE IF EXISTS nothing';

let database: TenantDatabase;
let sessions: Sessions;
let acme: Tenant;
let globex: Tenant;
let pool: TenantPool;

beforeAll(async () => {
  database = await openTenantDatabase({ migrations: [CreateNotes1700000001000] });
  sessions = await Sessions.open(database.adminUrl);
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  for (const { schema, slug } of [acme, globex]) {
    await sessions.query(`INSERT INTO "${schema}".note VALUES (1, 'note of ${slug}')`);
  }
});

afterEach(async () => {
  // A test that failed may have left something borrowed, for which end() would wait.
  const isBorrowed = pool.totalCount > pool.idleCount;
  const ending = pool.end();
  if (isBorrowed) return sessions.terminate(...(await sessions.pidsOf(APPLICATION)));
  await ending;
  await sessions.areGone(APPLICATION);
});

afterAll(async () => {
  await sessions.close();
  await database.close();
});

function openPool({
  max = 2,
  extendedOnly = true,
  ...options
}: TenantPoolOptions & { max?: number; extendedOnly?: boolean } = {}): TenantPool {
  pool = new TenantPool({
    connectionString: database.runtimeUrl,
    application_name: APPLICATION,
    max,
    tenantry: { ...resolveTenantPoolOptions(options), extendedOnly },
  });
  return pool;
}

function bindingOf({ schema }: Tenant): Binding {
  return createBinding(schema, schema, []);
}

async function rows(lease: TenantLease, sql: string, values?: unknown[]): Promise<unknown[]> {
  return ((await lease.query(sql, values)) as pg.QueryResult).rows as unknown[];
}

/** Borrows for one piece of work. */
async function lend<T>(tenant: Tenant, work: (lease: TenantLease) => Promise<T>): Promise<T> {
  const lease = await pool.lease(bindingOf(tenant));
  try {
    return await work(lease);
  } finally {
    lease.release();
  }
}

function pidFor(tenant: Tenant): Promise<number | null> {
  return lend(tenant, async (lease) => {
    await lease.query('SELECT 1');
    return lease.processID;
  });
}

/** Lets the time pass that a caller waits for a connection, which none is going to be. */
async function waitInVain<T>(start: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  try {
    const waiting = start();
    waiting.catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(DEFAULT_TENANT_POOL_OPTIONS.acquireTimeoutMs);
    return await waiting;
  } finally {
    jest.useRealTimers();
  }
}

describe('waiting for a connection', () => {
  it('ends with an error that names the schema and the options to change', async () => {
    openPool({ max: 1 });
    const held = await pool.lease(bindingOf(acme));
    const waiting = waitInVain(() => pool.lease(bindingOf(globex)));
    await expect(waiting).rejects.toThrow(TenantPoolExhaustedError);
    await expect(waiting).rejects.toMatchObject({
      code: 'TENANT_POOL_EXHAUSTED',
      kind: 'unavailable',
      schema: globex.schema,
      message: expect.stringMatching(/all 1 of the pool.*poolSize.*pool\.acquireTimeoutMs/),
    });
    held.release();
    await expect(pidFor(globex)).resolves.toEqual(expect.any(Number));
  });

  it('ends when a connection comes free', async () => {
    openPool({ max: 1 });
    const held = await pool.lease(bindingOf(acme));
    const waiting = pidFor(globex);
    held.release();
    await expect(waiting).resolves.toEqual(expect.any(Number));
  });
});

describe('a connection', () => {
  it('serves one schema as long as it likes, and is ended after as many schemas as are allowed', async () => {
    openPool({ max: 1, maxSchemasPerConnection: 2 });
    const pids: (number | null)[] = [];
    for (const tenant of [acme, acme, acme, globex, globex, acme]) pids.push(await pidFor(tenant));
    const [first, , , , second] = pids;
    expect(pids).toEqual([first, first, first, first, second, second]);
    expect(second).not.toBe(first);
  });

  it('that is killed while idle is replaced at the next checkout, and ends no process', async () => {
    openPool({ max: 1 });
    const errors: Error[] = [];
    pool.on('error', (error) => errors.push(error));
    const pid = await pidFor(acme);
    await sessions.terminate(pid!);
    while (pool.totalCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await pidFor(acme)).not.toBe(pid);
    expect(errors).toHaveLength(1);
  });

  it('that is killed while it runs a statement fails that one only', async () => {
    openPool({ max: 2 });
    await lend(globex, async (other) => {
      await other.query('SELECT 1');
      const victim = await pool.lease(bindingOf(acme));
      await victim.query('SELECT 1');
      const running = rows(victim, 'SELECT pg_sleep(600)');
      running.catch(() => {});
      await sessions.terminate(victim.processID!);
      await expect(running).rejects.toThrow(/terminat/);
      victim.release();
      await expect(rows(other, 'SELECT text FROM note')).resolves.toEqual([{ text: 'note of globex' }]);
    });
    await expect(lend(acme, (lease) => rows(lease, 'SELECT text FROM note'))).resolves.toEqual([
      { text: 'note of acme' },
    ]);
  });

  it('that is killed between two statements of a lease fails the next one, and ends no process', async () => {
    openPool({ max: 1 });
    const lease = await pool.lease(bindingOf(acme));
    await lease.query('SELECT 1');
    const pid = lease.processID!;
    await sessions.terminate(pid);
    await expect(rows(lease, 'SELECT 1')).rejects.toThrow(/terminat|not queryable|closed/i);
    lease.release();
    expect(await pidFor(acme)).not.toBe(pid);
  });

  it('starts unbound, also when the login has been given another path and role for good', async () => {
    const { username: login } = new URL(database.runtimeUrl);
    await sessions.query(`ALTER ROLE ${login} SET search_path = "${acme.schema}"`);
    await sessions.query(`ALTER ROLE ${login} SET role = '${acme.schema}'`);
    openPool();
    const { rows: found } = await pool.query(
      `SELECT current_user = session_user AS itself, current_setting('search_path') AS path`,
    );
    expect(found).toEqual([{ itself: true, path: 'tenantry_unbound' }]);
    await expect(pool.query('SELECT * FROM note')).rejects.toMatchObject({ code: '42P01' });
    await sessions.query(`ALTER ROLE ${login} RESET ALL`);
  });
});

describe('a lease that is given back', () => {
  it.each([[undefined], [false], [null as never]])(
    'in an open transaction, with release(%s), ends its connection and with it the transaction',
    async (argument) => {
      openPool({ max: 1 });
      const lease = await pool.lease(bindingOf(acme));
      await lease.query('BEGIN');
      await lease.query(`INSERT INTO note VALUES (9, 'never committed')`);
      const pid = lease.processID;
      lease.release(argument);
      await lend(globex, async (next) => {
        expect(await rows(next, 'SELECT text FROM note')).toEqual([{ text: 'note of globex' }]);
        expect(next.processID).not.toBe(pid);
      });
      expect(await lend(acme, (next) => rows(next, 'SELECT id FROM note'))).toEqual([{ id: 1 }]);
    },
  );

  it('clean is used again', async () => {
    openPool({ max: 1 });
    expect(await pidFor(acme)).toBe(await pidFor(globex));
  });

  it('is dead: it sends nothing, listens to nothing and is not given back twice', async () => {
    openPool({ max: 1 });
    const lease = await pool.lease(bindingOf(acme));
    const heard: unknown[] = [];
    lease.on('notice', (notice) => heard.push(notice));
    await lease.query(NOTICE);
    expect(heard).toHaveLength(1);
    lease.release();

    await expect(rows(lease, 'SELECT 1')).rejects.toThrow(LeaseReleasedError);
    expect(() => lease.query(new Cursor('SELECT 1') as never)).toThrow(LeaseReleasedError);
    expect(() => lease.on('notice', () => {})).toThrow(LeaseReleasedError);
    expect(() => lease.release()).toThrow(LeaseReleasedError);
    await lend(globex, (next) => rows(next, NOTICE));
    expect(heard).toHaveLength(1);
  });
});

/** What a callback tells that was handed over in a tenant's context. */
function inContext(tenant: Tenant, start: (done: (seen: unknown) => void) => void): Promise<unknown> {
  return TenantContext.run(tenant, () => new Promise(start));
}

const slug = (): string | undefined => TenantContext.current()?.slug;

describe('callbacks', () => {
  it('run in the context of whoever gave them', async () => {
    openPool();
    const lease = await pool.lease(bindingOf(acme));
    const seen = [
      await inContext(acme, (done) => lease.query('SELECT 1', () => done(slug()))),
      await inContext(globex, (done) => lease.query('SELECT $1::int', [1], () => done(slug()))),
      await inContext(acme, (done) => lease.query('SELECT 1/0', () => done(slug()))),
      await inContext(globex, (done) => lease.query(new pg.Query('SELECT 1') as never, () => done(slug()))),
      await inContext(acme, (done) =>
        pool.connect((_error, other, release) => {
          release();
          done(slug());
        }),
      ),
      await inContext(globex, (done) => pool.query('SELECT 1', () => done(slug()))),
    ];
    lease.release();
    expect(seen).toEqual(['acme', 'globex', 'acme', 'globex', 'acme', 'globex']);
  });

  it('get an error when there is no connection', async () => {
    openPool({ max: 1 });
    const held = await pool.lease(bindingOf(acme));
    const error = await waitInVain(
      () => new Promise((resolve) => pool.connect((failure) => resolve(failure))),
    );
    expect(error).toMatchObject({ code: 'TENANT_POOL_EXHAUSTED', schema: undefined });
    held.release();
  });

  it('of sockets belong to nobody, though a tenant was the first to need one', async () => {
    openPool({ max: 1 });
    const kinds: string[] = [];
    pool.on('connect', (client) => {
      kinds.push(TenantContext.state().kind);
      client.on('notice', () => kinds.push(TenantContext.state().kind));
    });
    await TenantContext.run(acme, () => pidFor(acme));
    await lend(globex, (lease) => rows(lease, NOTICE));
    expect(kinds).toEqual(['none', 'none']);
  });
});

describe('what is sent', () => {
  it('may be a config with the fields of a class, as tagged templates make them', async () => {
    openPool();
    class Template {
      readonly parts = ['SELECT text FROM note WHERE id = ', ''];
      readonly values = [1];

      get text(): string {
        return this.parts.join('$1');
      }
    }
    const result = await lend(
      acme,
      (lease) => lease.query(new Template() as never) as Promise<pg.QueryResult>,
    );
    expect(result.rows).toEqual([{ text: 'note of acme' }]);
  });

  it('is never a named statement, whose plan would be the one of the first tenant', async () => {
    openPool({ max: 1 });
    for (const tenant of [acme, globex]) {
      await lend(tenant, async (lease) => {
        const config = { name: 'notes', text: 'SELECT text FROM note' };
        const own = [{ text: `note of ${tenant.slug}` }];
        expect(((await lease.query(config)) as pg.QueryResult).rows).toEqual(own);
        const names = await rows(lease, `SELECT name FROM pg_prepared_statements WHERE name = 'notes'`);
        expect(names).toEqual([]);
        lease.query(new pg.Query(config) as never, () => {});
        expect(await rows(lease, `SELECT name FROM pg_prepared_statements WHERE name = 'notes'`)).toEqual([]);
      });
    }
  });

  it("is one statement per text at level role, also as pg's own Query", async () => {
    openPool({ max: 1 });
    const text = 'SELECT 1; RESET ROLE';
    await lend(acme, async (lease) => {
      await expect(rows(lease, text)).rejects.toThrow(/multiple commands/);
      const error = await new Promise((resolve) => {
        lease.query(new pg.Query(text) as never, (failure: unknown) => resolve(failure));
      });
      expect(error).toMatchObject({ message: expect.stringMatching(/multiple commands/) });
    });
  });

  it('keeps a transaction open that COMMIT AND CHAIN began before anything was sent', async () => {
    openPool({ max: 1 });
    await lend(acme, async (lease) => {
      await lease.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      await lease.query('COMMIT AND CHAIN');
      await lease.query(`INSERT INTO note VALUES (9, 'taken back')`);
      expect(await rows(lease, 'SHOW transaction_isolation')).toEqual([
        { transaction_isolation: 'serializable' },
      ]);
      await lease.query('ROLLBACK');
      expect(await rows(lease, 'SELECT id FROM note')).toEqual([{ id: 1 }]);
    });
  });

  it.each([true, false])(
    'may have a comment behind BEGIN (extended protocol only: %s)',
    async (extendedOnly) => {
      openPool({ max: 1, extendedOnly });
      await lend(acme, async (lease) => {
        await lease.query('BEGIN -- a comment');
        await lease.query('SET TRANSACTION READ ONLY /* and another */');
        expect(await rows(lease, 'SELECT text FROM note')).toEqual([{ text: 'note of acme' }]);
        await expect(rows(lease, 'DELETE FROM note')).rejects.toMatchObject({ code: '25006' });
        await expect(rows(lease, 'COMMIT /* anyway */')).rejects.toMatchObject({
          code: 'TRANSACTION_ROLLED_BACK',
        });
      });
    },
  );

  it('as a query of a class of its own, such as COPY, is refused outside of a transaction and bound inside', async () => {
    openPool({ max: 1 });
    await lend(acme, async (lease) => {
      expect(() => lease.query(new SimpleCopy('COPY note TO STDOUT'))).toThrow(UnboundSubmittableError);
      await lease.query('BEGIN');
      expect(() => lease.query(new SimpleCopy('COPY note TO STDOUT'))).toThrow(UnboundSubmittableError);
      await lease.query('SELECT 1');
      const copy = new SimpleCopy('COPY note TO STDOUT');
      lease.query(copy);
      await expect(copy.done).resolves.toBe('1\tnote of acme\n');
      await lease.query('COMMIT');
    });
  });
});

/** Reads a COPY as pg-copy-streams does: by the simple protocol. */
class SimpleCopy implements Submittable {
  #resolve!: (data: string) => void;
  #reject!: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  readonly done = new Promise<string>((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor(private readonly text: string) {}

  submit(connection: Parameters<Submittable['submit']>[0]): void {
    connection.query(this.text);
  }

  handleCopyData(message: object): void {
    this.#chunks.push((message as { chunk: Buffer }).chunk);
  }

  handleReadyForQuery(): void {
    this.#resolve(Buffer.concat(this.#chunks).toString());
  }

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
}
