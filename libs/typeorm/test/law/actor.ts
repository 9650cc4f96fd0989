import Cursor from 'pg-cursor';
import type { TenantLease } from '../../src/pool/tenant-lease.js';
import { LawBroken, type Oracle } from './oracle.js';
import type { Ending, Step } from './program.js';
import type { World } from './world.js';

interface Row {
  readonly name: string;
}

/** Runs one program on one lease, beside a small model of what its transaction must be like. */
export class Actor {
  /** `deferred`: begun, but nothing has been sent for it yet. */
  #transaction: 'none' | 'deferred' | 'open' | 'failed' = 'none';
  #pending: number[] = [];
  #savepoints: { readonly name: string; readonly writes: number }[] = [];
  #burns = false;

  constructor(
    private readonly lease: TenantLease,
    private readonly world: World,
    private readonly oracle: Oracle,
    private readonly tenant: string,
    /** Whether the connection is a session; behind a transaction pooler it is not. */
    private readonly hasSession = true,
  ) {}

  async run(steps: readonly Step[], ending: Ending): Promise<void> {
    this.oracle.checkConnection(this.lease.processID);
    try {
      for (const step of steps) await this.#step(step);
      await this.#end(ending);
    } catch (error) {
      this.lease.release(true);
      throw error;
    }
    this.lease.release();
    await this.#mustFail('a query after release', () => this.#query('SELECT 1'), 'LEASE_RELEASED');
  }

  async #step(step: Step): Promise<void> {
    switch (step) {
      case 'read':
        return this.#read(() => this.#query('SELECT name FROM me WHERE $1', [true]));
      case 'read-without-parameters':
        return this.#read(() => this.#query('SELECT name FROM me'));
      case 'read-cursor':
        return this.#read(async () => {
          const cursor = this.lease.query(new Cursor<Row>('SELECT name FROM me') as never) as Cursor<Row>;
          const rows = await cursor.read(1);
          await cursor.close();
          return { rows };
        });
      case 'write':
        return this.#write();
      case 'begin':
        if (this.#transaction !== 'none') return;
        await this.#query('BEGIN');
        this.#transaction = 'deferred';
        return;
      case 'commit':
        return this.#commit('COMMIT');
      case 'commit-and-chain':
        if (this.#transaction !== 'open') return;
        await this.#commit('COMMIT AND CHAIN');
        this.#transaction = 'open';
        return this.#step('read');
      case 'rollback':
        await this.#query('ROLLBACK');
        return this.#forget();
      case 'savepoint':
        if (this.#transaction === 'none' || this.#transaction === 'failed') return;
        this.#savepoints.push({ name: `s${this.#savepoints.length}`, writes: this.#pending.length });
        await this.#query(`SAVEPOINT ${this.#savepoints.at(-1)!.name}`);
        this.#transaction = 'open';
        return;
      case 'rollback-to-savepoint':
        return this.#rollbackTo();
      case 'fail':
        await this.#mustFail('a division by zero', () => this.#query('SELECT 1/0'));
        this.#transaction = this.#transaction === 'none' ? 'none' : 'failed';
        return;
      case 'failing-commit':
        return this.#failingCommit();
      case 'begin-unawaited-and-read':
        return this.#beginUnawaited();
      case 'set-session-path':
        return this.#outside(`SET search_path = ${this.#other()}`, { burns: true });
      case 'set-session-path-in-function':
        return this.#outside(`SELECT ext.hidden_set('${this.#other()}')`, { burns: false, hidden: true });
      case 'temporary-table':
        return this.#outside(`CREATE TEMP TABLE IF NOT EXISTS me AS SELECT 'TEMP'::text AS name`, {
          burns: true,
        });
      case 'vacuum':
        return this.#outside('VACUUM pg_catalog.pg_description', { burns: true });
      case 'procedure-that-commits':
        return this.#outside('DO $$ BEGIN PERFORM 1; COMMIT; PERFORM 1; END $$', { burns: true });
    }
  }

  async #read(read: () => Promise<{ rows: readonly unknown[] }>): Promise<void> {
    if (this.#transaction === 'failed')
      return this.#mustFail('a read in a failed transaction', read, '25P02');
    const { rows } = await read();
    this.#sent();
    const names = rows.map((row) => (row as Row).name);
    if (names.length !== 1 || names[0] !== this.tenant)
      throw new LawBroken(`${this.tenant} read ${names.join(', ')}`);
    if (this.#transaction !== 'none') return;
    await this.#mustFail(
      'a read of a table that only public has',
      () => this.#query('SELECT * FROM only_public'),
      '42P01',
    );
  }

  async #write(): Promise<void> {
    const id = this.oracle.nextId();
    const write = (): Promise<unknown> =>
      this.#query('INSERT INTO ledger VALUES ($1, $2)', [id, this.tenant]);
    if (this.#transaction === 'failed')
      return this.#mustFail('a write in a failed transaction', write, '25P02');
    await write();
    this.#sent();
    if (this.#transaction === 'none') this.oracle.acknowledge(this.tenant, [id]);
    else this.#pending.push(id);
  }

  async #commit(sql: string): Promise<void> {
    if (this.#transaction === 'failed') {
      await this.#mustFail(
        'COMMIT of a failed transaction',
        () => this.#query(sql),
        'TRANSACTION_ROLLED_BACK',
      );
    } else {
      await this.#query(sql);
      this.oracle.acknowledge(this.tenant, this.#pending);
    }
    this.#forget();
  }

  async #rollbackTo(): Promise<void> {
    const savepoint = this.#savepoints.at(-1);
    if (!savepoint) return;
    await this.#query(`ROLLBACK TO SAVEPOINT ${savepoint.name}`);
    this.#pending.length = savepoint.writes;
    this.#transaction = 'open';
  }

  async #failingCommit(): Promise<void> {
    if (this.#transaction !== 'open') return;
    await this.#query('INSERT INTO child VALUES (999)');
    await this.#mustFail('COMMIT against a deferred constraint', () => this.#query('COMMIT'), '23503');
    this.#forget();
  }

  /** Behind a statement that is still running, BEGIN cannot wait for company and goes out by itself. */
  async #beginUnawaited(): Promise<void> {
    if (this.#transaction !== 'none') return;
    const first = this.#query('SELECT 1');
    const begin = this.#query('BEGIN');
    await Promise.all([first, begin]);
    this.#transaction = 'open';
    await this.#step('savepoint');
    await this.#step('fail');
    await this.#step('rollback-to-savepoint');
    await this.#step('read');
  }

  async #outside(
    sql: string,
    { burns, hidden = false }: { burns: boolean; hidden?: boolean },
  ): Promise<void> {
    if (this.#transaction !== 'none') return;
    if (this.hasSession || hidden) {
      this.#burns ||= burns;
      await this.#query(sql);
    } else {
      await this.#mustFail('a statement that needs a session', () => this.#query(sql), 'SESSION_NEEDED');
    }
    await this.#step('read');
  }

  async #end(ending: Ending): Promise<void> {
    const pid = this.lease.processID;
    if (this.#burns || this.#transaction === 'open' || this.#transaction === 'failed') this.oracle.burn(pid);
    switch (ending) {
      case 'release':
        break;
      case 'unawaited': {
        const id = this.oracle.nextId();
        this.oracle.leaveUncertain([id]);
        this.oracle.burn(pid);
        this.#query('INSERT INTO ledger VALUES ($1, $2)', [id, this.tenant]).catch(() => {});
        break;
      }
      case 'unawaited-begin':
        if (this.#transaction !== 'none') break;
        this.oracle.burn(pid);
        this.#query('SELECT 1').catch(() => {});
        this.#query('BEGIN').catch(() => {});
        break;
      case 'client-timeout':
        if (this.#transaction === 'failed') break;
        this.oracle.burn(pid);
        await this.#mustFail(
          'a statement that outlasts its timeout',
          () =>
            this.lease.query({
              text: 'SELECT pg_sleep(0.05)',
              query_timeout: 2,
            } as never) as Promise<unknown>,
        );
        break;
      case 'killed':
        this.oracle.burn(pid);
        await this.world.admin.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
        break;
    }
  }

  async #mustFail(what: string, run: () => Promise<unknown>, code?: string): Promise<void> {
    let result: unknown;
    try {
      result = await run();
    } catch (error) {
      const actual = (error as { code?: string }).code;
      if (code === undefined || actual === code) return;
      throw new LawBroken(`${what} failed with ${actual} instead of ${code}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    throw new LawBroken(`${what} succeeded: ${JSON.stringify(result)}`);
  }

  #query(sql: string, values?: readonly unknown[]): Promise<{ rows: readonly unknown[] }> {
    return Promise.resolve().then(
      () => this.lease.query(sql, values) as Promise<{ rows: readonly unknown[] }>,
    );
  }

  #other(): string {
    return this.world.tenants.find((tenant) => tenant !== this.tenant)!;
  }

  #sent(): void {
    if (this.#transaction === 'deferred') this.#transaction = 'open';
  }

  #forget(): void {
    this.#transaction = 'none';
    this.#pending = [];
    this.#savepoints = [];
  }
}
