import { TenantContext, TenantContextMissingError } from '@tenantry/core';
import { QueryFailedError } from 'typeorm';
import { Note } from '../../../../test/isolation/library.js';
import {
  RowNotFoundError,
  RowNotUniqueError,
  TenantSchemaMissingError,
  TransactionEndedError,
  TransactionOfOtherTenantError,
  type SqlStatements,
} from '../../src/index.js';
import { openWorld, type World } from '../transaction/world.js';

describe.each(['role', 'path'] as const)('TenantDatabase at level %s', (level) => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld({ isolation: { level } });
  });
  afterEach(() => world.reset());
  afterAll(() => world.close());

  const TEXT = 'SELECT text FROM note WHERE id = $1';

  const inBoth = <T>(fn: () => Promise<T>): Promise<T[]> =>
    Promise.all(
      [world.acme, world.globex, world.acme, world.globex].map((tenant) => TenantContext.run(tenant, fn)),
    );

  it('reads the rows of the tenant in force', async () => {
    const expected = ['note of acme', 'note of globex', 'note of acme', 'note of globex'];
    expect(await inBoth(async () => (await world.sql.query(TEXT, [1]))[0]!['text'])).toEqual(expected);
    expect(await inBoth(async () => (await world.sql.one<{ text: string }>(TEXT, [1])).text)).toEqual(
      expected,
    );
    expect(await inBoth(async () => (await world.sql.oneOrNone<{ text: string }>(TEXT, [1]))?.text)).toEqual(
      expected,
    );
    expect(await TenantContext.runCentral(() => world.sql.query(TEXT, [1]))).toEqual([
      { text: 'note of central' },
    ]);
  });

  it('would be caught by this suite if it stuck to one tenant', async () => {
    const stuck = world.sql.forTenant(world.acme);
    const read = async (): Promise<string> => (await stuck.one<{ text: string }>(TEXT, [1])).text;
    await expect(
      inBoth(read).then((texts) =>
        expect(texts).toEqual(['note of acme', 'note of globex', 'note of acme', 'note of globex']),
      ),
    ).rejects.toThrow(/toEqual/);
  });

  it('does nothing at all without a context', async () => {
    for (const attempt of [
      () => world.sql.query('SELECT 1'),
      () => world.sql.one('SELECT 1'),
      () => world.sql.execute('SELECT 1'),
      () => world.sql.transaction(async () => {}),
    ])
      await expect(attempt()).rejects.toThrow(TenantContextMissingError);
  });

  it('counts rows, and hands out those of RETURNING', async () => {
    await TenantContext.run(world.acme, async () => {
      expect(await world.sql.execute(`INSERT INTO note VALUES (2, 'a'), (3, 'b')`)).toBe(2);
      expect(await world.sql.execute(`UPDATE note SET text = $1 WHERE id > 1`, ['c'])).toBe(2);
      expect(await world.sql.query(`UPDATE note SET text = 'd' WHERE id = 3 RETURNING id, text`)).toEqual([
        { id: 3, text: 'd' },
      ]);
      expect(await world.sql.query(`DELETE FROM note WHERE id = 3 RETURNING id`)).toEqual([{ id: 3 }]);
      expect(await world.sql.execute(`DELETE FROM note WHERE id > 1`)).toBe(1);
      expect(await world.sql.execute(`SET LOCAL application_name = 'x'`)).toBe(0);
    });
  });

  it('tells by type when there is not the one row', async () => {
    await TenantContext.run(world.acme, async () => {
      await expect(world.sql.one(TEXT, [9])).rejects.toThrow(RowNotFoundError);
      expect(await world.sql.oneOrNone(TEXT, [9])).toBeUndefined();
      const two = 'SELECT generate_series(1, 2)';
      await expect(world.sql.one(two)).rejects.toThrow(RowNotUniqueError);
      await expect(world.sql.oneOrNone(two)).rejects.toThrow(RowNotUniqueError);
    });
  });

  it("lets errors of the server through as TypeORM's, and those of the suite as they are", async () => {
    const gone = { ...world.acme, schema: 'tenant_gone' };
    await expect(world.sql.forTenant(world.acme).query('SELECT * FROM nowhere')).rejects.toThrow(
      QueryFailedError,
    );
    await expect(world.sql.forTenant(gone).query('SELECT 1')).rejects.toThrow(TenantSchemaMissingError);
  });

  it('for a named tenant reads and writes that one, whoever is in force', async () => {
    const acme = world.sql.forTenant(world.acme);
    const texts = await Promise.all(
      [
        () => TenantContext.run(world.globex, () => acme.one(TEXT, [1])),
        () => TenantContext.runCentral(() => acme.one(TEXT, [1])),
        () => acme.one(TEXT, [1]),
      ].map((read) => read()),
    );
    expect(texts).toEqual(Array.from({ length: 3 }, () => ({ text: 'note of acme' })));
    await TenantContext.run(world.globex, () => acme.execute(`INSERT INTO note VALUES (2, 'x')`));
    expect(await world.notesOf(world.acme)).toEqual(['2 x']);
    expect(await world.notesOf(world.globex)).toEqual([]);
  });

  it('for a named tenant enters it in its transactions, so that repositories take part', async () => {
    const failure = new Error('undone');
    const run = TenantContext.run(world.globex, () =>
      world.sql.forTenant(world.acme).transaction(async (sql) => {
        await Note.insert({ id: 2, text: 'x' });
        expect(await sql.one('SELECT count(*)::int AS n FROM note')).toEqual({ n: 2 });
        throw failure;
      }),
    );
    await expect(run).rejects.toBe(failure);
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('for the tenant of the transaction around it takes part in that', async () => {
    await TenantContext.run(world.acme, () =>
      world.sql.transaction(async () => {
        await world.sql.forTenant(world.acme).execute(`INSERT INTO note VALUES (2, 'x')`);
        await TenantContext.run(world.globex, () =>
          world.sql.forTenant(world.acme).execute(`INSERT INTO note VALUES (3, 'x')`),
        );
        throw new Error('undone');
      }),
    ).catch(() => {});
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('for the system reads and writes the central schema, whoever is in force', async () => {
    const texts = await inBoth(() => world.sql.system().one(TEXT, [1]));
    expect(texts).toEqual(Array.from({ length: 4 }, () => ({ text: 'note of central' })));
    expect(await world.sql.system().one(TEXT, [1])).toEqual({ text: 'note of central' });
  });

  it("for the system has no part in the tenant's transaction, and one of its own", async () => {
    const failure = new Error('undone');
    const run = TenantContext.run(world.acme, () =>
      world.sql.transaction(async (sql) => {
        await sql.execute(`INSERT INTO note VALUES (2, 'of acme')`);
        await world.sql.system().execute(`INSERT INTO note VALUES (2, 'by itself')`);
        await world.sql.system().transaction(async (system) => {
          await system.execute(`INSERT INTO note VALUES (3, 'together')`);
          await Note.insert({ id: 4, text: 'together' });
        });
        throw failure;
      }),
    );
    await expect(run).rejects.toBe(failure);
    expect(await world.notesOf(world.acme)).toEqual([]);
    expect(await world.notesOf('central')).toEqual(['2 by itself', '3 together', '4 together']);
  });

  it('gives statements to a transaction that belong to it, and to nobody and no time else', async () => {
    let kept: SqlStatements | undefined;
    await TenantContext.run(world.acme, async () => {
      await world.sql.transaction(async (sql) => {
        kept = sql;
        await expect(TenantContext.run(world.globex, () => sql.query('SELECT 1'))).rejects.toThrow(
          TransactionOfOtherTenantError,
        );
      });
      await expect(kept!.query('SELECT 1')).rejects.toThrow(TransactionEndedError);
    });
  });

  it('gives plain statements where the propagation wants no transaction', async () => {
    const run = TenantContext.run(world.acme, () =>
      world.sql.transaction(
        async (sql) => {
          await sql.execute(`INSERT INTO note VALUES (2, 'x')`);
          throw new Error('too late');
        },
        { propagation: 'supports' },
      ),
    );
    await expect(run).rejects.toThrow('too late');
    expect(await world.notesOf(world.acme)).toEqual(['2 x']);
  });
});
