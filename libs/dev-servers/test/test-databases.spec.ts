import { Client } from 'pg';
import {
  cloneUrl,
  createTestDatabase,
  dropTestTemplates,
  startTestPostgres,
  type TestDatabase,
  TestDatabaseError,
} from '../src/testing/index.ts';
import { query } from './support/sandbox.ts';

const ADMIN_URL = process.env['TENANTRY_TEST_PG_URL']!;

async function prepareNotes(url: string): Promise<void> {
  await query(url, `create table notes as select 'from the template' as text`);
}

async function templateNames(): Promise<string[]> {
  const rows = await query(
    ADMIN_URL,
    `select datname from pg_database where datname like 'tenantry_template_%' order by 1`,
  );
  return (rows as { datname: string }[]).map(({ datname }) => datname);
}

describe('createTestDatabase', () => {
  it('copies eight databases at once from a template that is prepared once', async () => {
    const prepare = jest.fn(prepareNotes);
    const template = { name: 'eight at once', prepare };
    const databases = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase({ template })));

    expect(prepare).toHaveBeenCalledTimes(1);
    expect(new Set(databases.map(({ name }) => name)).size).toBe(8);
    for (const { url } of databases)
      expect(await query(url, 'select text from notes')).toEqual([{ text: 'from the template' }]);
    await Promise.all(databases.map((database) => database.drop()));
  });

  it('gives each test a database of its own', async () => {
    const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await query(one.url, 'create table mine ()');
    await query(two.url, 'create table mine ()');

    await Promise.all([one.drop(), two.drop()]);
    expect(
      await query(ADMIN_URL, `select from pg_database where datname in ('${one.name}', '${two.name}')`),
    ).toEqual([]);
  });

  it('leaves nothing of a template whose preparation fails, so that the next caller prepares it anew', async () => {
    const before = await templateNames();
    const prepare = jest.fn(prepareNotes).mockRejectedValueOnce(new Error('migration 7 failed'));
    const template = { name: 'fails at first', prepare };
    const failure = createTestDatabase({ template });

    await expect(failure).rejects.toMatchObject({ code: 'TEST_DATABASE_TEMPLATE_FAILED' });
    await expect(failure).rejects.toThrow(`'fails at first' could not be prepared: migration 7 failed`);
    expect(await templateNames()).toEqual(before);
    await (await createTestDatabase({ template })).drop();
    expect(prepare).toHaveBeenCalledTimes(2);
  });

  it('replaces what a worker that died while preparing has left', async () => {
    const template = { name: 'interrupted', prepare: prepareNotes };
    await (await createTestDatabase({ template })).drop();
    const [name] = (await templateNames()).slice(-1);
    await query(ADMIN_URL, `alter database ${name} rename to ${name}_new`);
    const database = await createTestDatabase({ template });

    expect(await query(database.url, 'select text from notes')).toEqual([{ text: 'from the template' }]);
    await database.drop();
  });

  it('gives the database to its owner', async () => {
    await query(ADMIN_URL, `create role dev_servers_owner login password 'p@ss/word'`);
    const database = await createTestDatabase({ owner: 'dev_servers_owner' });
    const url = cloneUrl(database.url, { user: 'dev_servers_owner', password: 'p@ss/word' });

    await query(url, 'create schema mine');
    expect(await query(url, 'select current_user as me')).toEqual([{ me: 'dev_servers_owner' }]);
    await database.drop();
    await query(ADMIN_URL, 'drop role dev_servers_owner');
  });

  it('names the variable that is missing', async () => {
    const saved = { ...process.env };
    try {
      delete process.env['TENANTRY_TEST_RUN'];
      await expect(createTestDatabase({ template: { name: 'x', prepare: prepareNotes } })).rejects.toThrow(
        'TENANTRY_TEST_RUN is not set',
      );
      delete process.env['TENANTRY_TEST_PG_URL'];
      await expect(createTestDatabase()).rejects.toMatchObject({
        name: 'TestDatabaseError',
        code: 'TEST_DATABASE_NOT_CONFIGURED',
        message: expect.stringMatching(/TENANTRY_TEST_PG_URL is not set.*pass adminUrl/),
      });
    } finally {
      Object.assign(process.env, saved);
    }
  });
});

describe('a session that is left open', () => {
  const sessions: Client[] = [];
  let database: TestDatabase;
  let errors: unknown[];

  async function leak(connectionString: string): Promise<void> {
    const session = new Client({ connectionString, application_name: 'forgetful' });
    session.on('error', () => {});
    await session.connect();
    await session.query(`select 'a secret'`);
    sessions.push(session);
  }

  // PostgreSQL waits five seconds for each; the two waits run side by side.
  beforeAll(async () => {
    database = await createTestDatabase();
    await leak(database.url);
    const attempts = [database.drop(), createTestDatabase({ template: { name: 'leaks', prepare: leak } })];
    errors = (await Promise.allSettled(attempts)).map((outcome) => 'reason' in outcome && outcome.reason);
  });
  afterAll(() => Promise.all(sessions.map((session) => session.end().catch(() => {}))));

  it('is reported by drop, without what it queried, and the database is dropped all the same', async () => {
    expect(errors[0]).toBeInstanceOf(TestDatabaseError);
    expect(errors[0]).toMatchObject({
      code: 'TEST_DATABASE_IN_USE',
      message: expect.stringContaining('application forgetful, idle, last query SELECT'),
    });
    expect((errors[0] as Error).message).not.toContain('secret');
    expect(await query(ADMIN_URL, `select from pg_database where datname = '${database.name}'`)).toEqual([]);
    await expect(database.drop()).resolves.toBeUndefined();
  });

  it('is reported when a preparation leaves it', () => {
    expect(errors[1]).toMatchObject({
      code: 'TEST_DATABASE_TEMPLATE_FAILED',
      message: expect.stringContaining('prepare() has left connections open'),
    });
  });
});

describe('drop', () => {
  it('waits for a session that is being closed', async () => {
    const database = await createTestDatabase();
    const session = new Client({ connectionString: database.url });
    await session.connect();
    const slow = session.query('select pg_sleep(0.5)').then(() => session.end());

    await expect(Promise.all([database.drop(), slow])).resolves.toBeDefined();
  });
});

describe('an external server', () => {
  it('is used as it is, left running, and keeps no template of the run', async () => {
    const saved = { ...process.env };
    try {
      process.env['TEST_DATABASE_URL'] = ADMIN_URL;
      process.env['TENANTRY_TEST_RUN'] = 'a run on an external server';
      const before = await templateNames();
      const server = await startTestPostgres();
      expect(server).toMatchObject({ url: ADMIN_URL, external: true });
      await (
        await createTestDatabase({ adminUrl: server.url, template: { name: 'x', prepare: prepareNotes } })
      ).drop();
      expect(await templateNames()).toHaveLength(before.length + 1);
      await dropTestTemplates(server.url);
      await server.stop();

      expect(await templateNames()).toEqual(before);
    } finally {
      delete process.env['TEST_DATABASE_URL'];
      Object.assign(process.env, saved);
    }
  });
});
