import { Client, Pool, Query } from 'pg';
import Cursor from 'pg-cursor';
import { createTestDatabase, type TestDatabase } from '@tenantry/dev-servers/testing';

/** What binding leans on in pg without pg promising it. Red here means: read pg's changes before raising the pin. */
describe('pg still', () => {
  let database: TestDatabase;
  let client: Client & {
    readonly readyForQuery: boolean;
    readonly connection: Record<string, unknown> & { readonly stream: Record<string, unknown> };
    getTransactionStatus(): string | null;
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url }) as unknown as typeof client;
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('lets others write to its connection, in one batch with its own messages', () => {
    for (const method of ['query', 'sync', 'once', 'off'])
      expect(client.connection[method]).toEqual(expect.any(Function));
    for (const method of ['write', 'cork', 'uncork'])
      expect(client.connection.stream[method]).toEqual(expect.any(Function));
  });

  it('hands a submittable every message, and has queries that are one', () => {
    const query = new Query('SELECT 1') as unknown as Record<string, unknown>;
    const handlers = [
      'RowDescription',
      'DataRow',
      'CommandComplete',
      'ReadyForQuery',
      'Error',
      'EmptyQuery',
      'PortalSuspended',
    ];
    for (const handler of handlers) expect(query[`handle${handler}`]).toEqual(expect.any(Function));
    expect(query['submit']).toEqual(expect.any(Function));
    expect(query['requiresPreparation']).toEqual(expect.any(Function));
  });

  it('prepares a query without values when its mode says so', () => {
    const query = new Query('SELECT 1') as unknown as { queryMode?: string; requiresPreparation(): boolean };
    expect(query.requiresPreparation()).toBe(false);
    query.queryMode = 'extended';
    expect(query.requiresPreparation()).toBe(true);
  });

  it('tells the transaction status of the last ReadyForQuery, and whether one is awaited', async () => {
    expect([client.getTransactionStatus(), client.readyForQuery]).toEqual(['I', true]);
    const begin = client.query('BEGIN');
    expect(client.readyForQuery).toBe(false);
    await begin;
    expect(client.getTransactionStatus()).toBe('T');
    await client.query('ROLLBACK');
  });

  it('says in these words that a statement or a checkout timed out', async () => {
    const slow = client.query({ text: 'SELECT pg_sleep(0.1)', query_timeout: 1 } as never);
    await expect(slow).rejects.toThrow(/^Query read timeout$/);
    const pool = new Pool({ connectionString: database.url, max: 1, connectionTimeoutMillis: 50 });
    const only = await pool.connect();
    await expect(pool.connect()).rejects.toThrow(/^timeout exceeded when trying to connect$/);
    only.release();
    await pool.end();
  });

  it('has cursors that are known by their portal', () => {
    expect(new Cursor('SELECT 1')).toHaveProperty('_portal');
  });
});
