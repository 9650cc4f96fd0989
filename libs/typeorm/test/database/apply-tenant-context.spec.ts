import { TenancyConfigurationError, TenantContext, TenantContextMissingError } from '@tenantry/core';
import { DataSource } from 'typeorm';
import { Note } from '../../../../test/isolation/library.js';
import {
  applyTenantContext,
  SessionBoundElsewhereError,
  SessionNotInTransactionError,
  TenantRoleUnusableError,
  TenantSchemaMissingError,
} from '../../src/index.js';
import { openWorld, type World } from '../transaction/world.js';

describe.each(['role', 'path'] as const)('applyTenantContext at level %s', (level) => {
  let world: World;
  /** Somebody's own, with one connection: what stays on it, the next one would meet. */
  let stock: DataSource;

  beforeAll(async () => {
    world = await openWorld({ isolation: { level } });
    stock = await new DataSource({
      type: 'postgres',
      url: world.database.runtimeUrl,
      entities: [Note],
      poolSize: 1,
      installExtensions: false,
    }).initialize();
  });
  afterEach(() => world.reset());
  afterAll(async () => {
    await stock.destroy();
    await world.close();
  });

  const apply = (
    session: Parameters<typeof applyTenantContext>[0],
    tenant?: Parameters<typeof applyTenantContext>[1],
  ): Promise<void> => applyTenantContext(session, tenant, world.database.isolation);

  const sessionState = (): Promise<unknown> =>
    stock.query(`SELECT current_setting('search_path') AS path, current_user AS role`);

  it('binds a manager to each tenant in turn, until the end of its transaction', async () => {
    const before = await sessionState();
    for (const tenant of [world.acme, world.globex, world.acme]) {
      const text = await stock.transaction(async (manager) => {
        await apply(manager, tenant);
        await manager.insert(Note, { id: 2, text: tenant.slug });
        return (await manager.findOneByOrFail(Note, { id: 1 })).text;
      });
      expect(text).toBe(`note of ${tenant.slug}`);
      expect(await world.notesOf(tenant)).toEqual([`2 ${tenant.slug}`]);
      expect(await sessionState()).toEqual(before);
      await world.reset();
    }
    // The negative control: without it nobody's rows are found.
    await expect(stock.manager.find(Note)).rejects.toThrow(/relation "note" does not exist/);
  });

  it('binds a query runner to the tenant in force', async () => {
    const runner = stock.createQueryRunner();
    try {
      for (const tenant of [world.acme, world.globex]) {
        await runner.startTransaction();
        await TenantContext.run(tenant, () => apply(runner));
        expect(await runner.query('SELECT text FROM note')).toEqual([{ text: `note of ${tenant.slug}` }]);
        await runner.rollbackTransaction();
      }
    } finally {
      await runner.release();
    }
  });

  it('does nothing the second time, and refuses another tenant in the same transaction', async () => {
    await stock.transaction(async (manager) => {
      await apply(manager, world.acme);
      await apply(manager, world.acme);
      await expect(apply(manager, world.globex)).rejects.toThrow(SessionBoundElsewhereError);
      expect((await manager.findOneByOrFail(Note, { id: 1 })).text).toBe('note of acme');
    });
  });

  it('refuses to bind outside of a transaction, and leaves nothing', async () => {
    const before = await sessionState();
    const runner = stock.createQueryRunner();
    await expect(apply(runner, world.acme)).rejects.toThrow(SessionNotInTransactionError);
    await expect(apply(stock.manager, world.acme)).rejects.toThrow(SessionNotInTransactionError);
    await runner.release();
    await expect(apply(runner, world.acme)).rejects.toThrow(SessionNotInTransactionError);
    expect(await sessionState()).toEqual(before);
  });

  it('is not fooled by a runner that only believes in its transaction', async () => {
    const before = await sessionState();
    const runner = stock.createQueryRunner();
    await runner.startTransaction();
    await runner.query('COMMIT');
    await expect(apply(runner, world.acme)).rejects.toThrow(SessionNotInTransactionError);
    await runner.release();
    expect(await sessionState()).toEqual(before);
  });

  it('accepts a runner of the routed data source for its own tenant only', async () => {
    await TenantContext.run(world.acme, () =>
      world.transactions.run(async (manager) => {
        await apply(manager);
        await apply(manager.queryRunner!, world.acme);
        await expect(apply(manager, world.globex)).rejects.toThrow(SessionBoundElsewhereError);
        await expect(TenantContext.run(world.globex, () => apply(manager))).rejects.toThrow(
          SessionBoundElsewhereError,
        );
      }),
    );
  });

  it('refuses a schema that is not there, and fails the transaction with it', async () => {
    const run = stock.transaction((manager) => apply(manager, { schema: 'tenant_gone' }));
    await expect(run).rejects.toThrow(TenantSchemaMissingError);
    const swallowed = stock.transaction(async (manager) => {
      await apply(manager, { schema: 'tenant_gone' }).catch(() => {});
      await manager.query('SELECT 1');
    });
    await expect(swallowed).rejects.toThrow(/current transaction is aborted/);
  });

  if (level === 'role') {
    it('refuses a tenant whose role the login was not granted', async () => {
      await world.admin('CREATE SCHEMA strangers_own', []);
      try {
        const run = stock.transaction((manager) => apply(manager, { schema: 'strangers_own' }));
        await expect(run).rejects.toThrow(TenantRoleUnusableError);
      } finally {
        await world.admin('DROP SCHEMA strangers_own', []);
      }
    });
  }

  it.each(['public', 'pg_catalog', 'Tenant', 'a"; DROP SCHEMA x; --', '', 'tenantry'])(
    'refuses the name %j before it comes near SQL',
    async (schema) => {
      const run = stock.transaction((manager) => apply(manager, { schema }));
      await expect(run).rejects.toThrow(TenancyConfigurationError);
    },
  );

  it('needs a tenant', async () => {
    await expect(stock.transaction((manager) => apply(manager))).rejects.toThrow(TenantContextMissingError);
    const central = TenantContext.runCentral(() => stock.transaction((manager) => apply(manager)));
    await expect(central).rejects.toThrow(TenantContextMissingError);
  });
});
