import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { TenantContext, TenantScope, type Tenant } from '@tenantry/core';
import {
  TenantDataSource,
  TenantPoolExhaustedError,
  TenantShareExhaustedError,
  type TenantDataSourceOptions,
  type TenantPool,
} from '../../src/index.js';
import { poolOf } from '../../src/datasource/view-binding.js';
import type { TenantDatabase } from '../../src/testing/index.js';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';

let database: TenantDatabase;
/** Sees what other sessions do, which the runtime login may not. */
let admin: Client;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  database = await openTenantDatabase({ migrations: [] });
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
});

afterAll(async () => {
  await admin.end();
  await database.close();
});

async function withDataSource(
  options: TenantDataSourceOptions & { poolSize: number },
  use: (dataSource: TenantDataSource, pool: TenantPool) => Promise<void>,
): Promise<void> {
  const { poolSize, pool } = options;
  const dataSource = await new TenantDataSource(
    { type: 'postgres', url: database.runtimeUrl, poolSize },
    { isolation: database.isolation, ...(pool && { pool }) },
  ).initialize();
  try {
    await use(dataSource, poolOf(dataSource));
  } finally {
    await dataSource.destroy();
  }
}

/** Takes connections for a tenant until the returned function is called. */
async function hold(
  dataSource: TenantDataSource,
  tenant: Tenant,
  count: number,
): Promise<() => Promise<void>> {
  const runners = await TenantContext.run(tenant, async () => {
    const made = Array.from({ length: count }, () => dataSource.createQueryRunner());
    await Promise.all(made.map((runner) => runner.connect()));
    return made;
  });
  return async () => {
    await Promise.all(runners.map((runner) => runner.release()));
  };
}

describe('one tenant', () => {
  it('never takes the whole pool: others are served while its callers wait', async () => {
    await withDataSource({ poolSize: 4 }, async (dataSource, pool) => {
      const release = await hold(dataSource, acme, 2);
      const waiting = Array.from({ length: 20 }, () =>
        TenantContext.run(acme, () => dataSource.query('SELECT 1 AS one')),
      );
      expect(pool.gauges()).toMatchObject({ leased: 2, waitingForShare: 20, waiting: 0 });

      expect(await TenantContext.run(globex, () => dataSource.query('SELECT 2 AS two'))).toEqual([
        { two: 2 },
      ]);
      expect(pool.gauges()).toMatchObject({ waitingForShare: 20 });

      await release();
      expect(await Promise.all(waiting)).toHaveLength(20);
      expect(pool.gauges()).toMatchObject({ leased: 0, waitingForShare: 0, waits: 20 });
    });
  });

  it('is told which option to raise when it waited too long for its share', async () => {
    await withDataSource(
      { poolSize: 4, pool: { acquireTimeoutMs: 750, maxConnectionsPerTenant: 1 } },
      async (dataSource) => {
        const release = await hold(dataSource, acme, 1);
        const late = TenantContext.run(acme, () => dataSource.query('SELECT 1'));
        await expect(late).rejects.toThrow(TenantShareExhaustedError);
        await expect(late).rejects.toThrow(/pool\.maxConnectionsPerTenant/);
        await release();
        expect(await TenantContext.run(acme, () => dataSource.query('SELECT 1 AS one'))).toEqual([
          { one: 1 },
        ]);
      },
    );
  });

  it('is told that it waits for itself when it takes a second connection inside a transaction', async () => {
    await withDataSource({ poolSize: 1, pool: { acquireTimeoutMs: 750 } }, async (dataSource) => {
      const nested = TenantContext.run(acme, () =>
        dataSource.transaction(async (manager) => {
          await manager.query('SELECT 1');
          await dataSource.query('SELECT 1');
        }),
      );
      await expect(nested).rejects.toMatchObject({ code: 'TENANT_SHARE_EXHAUSTED', heldByCaller: 1 });
      await expect(nested).rejects.toThrow(/use its manager/);
    });
  });
});

describe('a pool that is used up', () => {
  it('makes callers wait for a bounded time, and names the options', async () => {
    await withDataSource({ poolSize: 2, pool: { acquireTimeoutMs: 750 } }, async (dataSource) => {
      const releases = [await hold(dataSource, acme, 1), await hold(dataSource, globex, 1)];
      const late = TenantContext.runCentral(() => dataSource.query('SELECT 1'));
      await expect(late).rejects.toThrow(TenantPoolExhaustedError);
      await expect(late).rejects.toThrow(/Raise poolSize/);
      for (const release of releases) await release();
    });
  });
});

describe('a statement', () => {
  it('is ended by the server when it runs longer than the tier of its tenant allows', async () => {
    const pool = { statementTimeoutMs: { starter: 30, default: 60_000 } };
    await withDataSource({ poolSize: 2, pool }, async (dataSource) => {
      const setting = (tenant: Tenant): Promise<unknown> =>
        TenantContext.run(tenant, () =>
          dataSource.query(`SELECT current_setting('statement_timeout') AS timeout`),
        );
      expect(await setting(acme)).toEqual([{ timeout: '30ms' }]);
      expect(await setting({ ...globex, tier: 'enterprise' })).toEqual([{ timeout: '1min' }]);

      const slow = TenantContext.run(acme, () => dataSource.query('SELECT pg_sleep(10)'));
      await expect(slow).rejects.toMatchObject({ code: '57014' });
      const inTransaction = TenantContext.run(acme, () =>
        dataSource.transaction((manager) => manager.query('SELECT pg_sleep(10)')),
      );
      await expect(inTransaction).rejects.toMatchObject({ code: '57014' });
    });
  });

  it('is cancelled on the server when the client of its request hangs up, and its connection serves nobody else', async () => {
    await withDataSource({ poolSize: 1 }, async (dataSource, pool) => {
      const request = new TenantScope();
      const running = TenantContext.runInScope(request, () =>
        TenantContext.run(acme, () => dataSource.query('SELECT pg_sleep(10)')),
      );
      const outcome = running.catch((error: unknown) => error);
      const { destroyed } = pool.gauges();
      while (!(await isSleeping())) await delay(5);
      request.abort();
      expect(await outcome).toMatchObject({ code: '57014' });
      expect(pool.gauges().destroyed).toBe(destroyed + 1);
      expect(await TenantContext.run(globex, () => dataSource.query('SELECT 1 AS one'))).toEqual([
        { one: 1 },
      ]);
    });
  });

  it('is left alone when cancelling is switched off', async () => {
    await withDataSource({ poolSize: 1, pool: { cancelOnAbort: false } }, async (dataSource, pool) => {
      const { destroyed } = pool.gauges();
      const request = new TenantScope();
      const running = TenantContext.runInScope(request, () =>
        TenantContext.run(acme, () => dataSource.query('SELECT pg_sleep(0.05), 1 AS one')),
      );
      request.abort();
      expect(await running).toMatchObject([{ one: 1 }]);
      expect(pool.gauges().destroyed).toBe(destroyed);
    });
  });
});

async function isSleeping(): Promise<boolean> {
  const { rowCount } = await admin.query(
    `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
  );
  return rowCount === 1;
}
