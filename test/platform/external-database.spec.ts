import { randomBytes } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { TenantContext, TenantContextMissingError, TenantManager, type TenantRecord } from '@tenantry/core';
import { cloneUrl, createTestDatabase, type TestDatabase } from '@tenantry/dev-servers/testing';
import { inspectLogin } from '@tenantry/typeorm';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { createApplication, prepareExternalDatabase } from '../../apps/platform/src/index.js';
import { asAdmin, dropRoles, JWT, rolesOf } from './support/platform.js';

type DatabaseOptions = Awaited<ReturnType<typeof prepareExternalDatabase>>;

/** Logins of these tests, made without rights. */
const logins: string[] = [];
const databases: TestDatabase[] = [];

async function openDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  databases.push(database);
  return database;
}

async function makeLogin(database: TestDatabase, rights = ''): Promise<string> {
  const login = `login_${randomBytes(4).toString('hex')}`;
  logins.push(login);
  await asAdmin(database.url, `CREATE ROLE ${login} LOGIN PASSWORD 'pw' ${rights}`);
  return cloneUrl(database.url, { user: login, password: 'pw' });
}

afterAll(async () => {
  const roles = (await Promise.all(databases.map(({ url }) => rolesOf(url)))).flat();
  await Promise.all(databases.map((database) => database.drop()));
  await dropRoles([...roles, ...logins]);
});

/** That the platform starts on it, which includes the check that the login is confined. */
async function withPlatform(
  options: DatabaseOptions,
  work: (app: INestApplication) => Promise<void>,
): Promise<void> {
  const app = await createApplication({
    adapter: 'express',
    jwt: JWT,
    database: options,
    logLevels: ['fatal'],
  });
  await app.init();
  try {
    await work(app);
  } finally {
    await app.close();
  }
}

/** What keeps a login from being confined. */
async function findings(url: string): ReturnType<typeof inspectLogin> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  try {
    return await inspectLogin(pool);
  } finally {
    await pool.end();
  }
}

function newTenant(app: INestApplication): Promise<TenantRecord> {
  const slug = `t-${randomBytes(4).toString('hex')}`;
  return app.get(TenantManager).create({ slug, name: slug, tier: 'starter' });
}

async function expectToRun(options: DatabaseOptions): Promise<void> {
  await withPlatform(options, async (app) => {
    const campaigns = (): Promise<unknown> => app.get(DataSource).query('SELECT * FROM campaigns');
    const tenant = await newTenant(app);
    await expect(campaigns()).rejects.toThrow(TenantContextMissingError);
    expect(await TenantContext.run(tenant, campaigns)).toEqual([]);
  });
}

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'was not refused',
    (error: Error) => error.message,
  );

describe('DATABASE_URL alone', () => {
  it('with a superuser: a confined login is made beside it, the same by every instance', async () => {
    const { url } = await openDatabase();
    const prepare = () => prepareExternalDatabase({ url, adminUrl: undefined }, JWT.secret);
    const [one, two] = await Promise.all([prepare(), prepare()]);
    expect(one).toEqual(two);
    expect(one.adminUrl).toBe(url);
    expect(new URL(one.url).username).toMatch(/_runtime$/);
    expect(await findings(one.url)).toEqual([]);
    await expectToRun(one);
  });

  it('with a login that may not create roles: stops with SQL that, once run, lets it start', async () => {
    const database = await openDatabase();
    const url = await makeLogin(database);
    const prepare = () => prepareExternalDatabase({ url, adminUrl: undefined }, JWT.secret);
    const message = await refusal(prepare());
    expect(message).toMatch(/^DATABASE_URL: 'login_\w+' may not create roles, and nothing is prepared/);
    expect(message).not.toContain('pw');
    const sql = message.slice(message.indexOf('ALTER ROLE'));
    await asAdmin(database.url, sql);
    for (const _ of ['first', 'second']) {
      const options = await prepare();
      expect(await findings(options.url)).toEqual([]);
      await expectToRun(options);
    }
  });

  it('with a login that may create roles but lacks another right: the same', async () => {
    const database = await openDatabase();
    const url = await makeLogin(database, 'CREATEROLE');
    const prepare = () => prepareExternalDatabase({ url, adminUrl: undefined }, JWT.secret);
    const message = await refusal(prepare());
    expect(message).toMatch(/^DATABASE_URL: 'login_\w+' lacks a right \(permission denied/);
    await asAdmin(database.url, message.slice(message.indexOf('ALTER ROLE')));
    await expectToRun(await prepare());
  });

  it('with the runtime login of a prepared database: runs without an admin', async () => {
    const { url } = await openDatabase();
    const prepared = await prepareExternalDatabase({ url, adminUrl: undefined }, JWT.secret);
    const options = await prepareExternalDatabase({ url: prepared.url, adminUrl: undefined }, JWT.secret);
    expect(options).toEqual({ url: prepared.url, isolation: prepared.isolation });
    await withPlatform(options, async (app) => {
      await expect(newTenant(app)).rejects.toThrow(/adminUrl/);
    });
  });

  it('that leads nowhere, or with a wrong password: says so, without the password', async () => {
    const { url } = await openDatabase();
    const wrong = new URL(url);
    wrong.password = 'hunter2';
    const nowhere = new URL(wrong);
    nowhere.port = '1';
    for (const [attempt, reason] of [
      [wrong, /^DATABASE_URL: no connection to 127\.0\.0\.1:\d+ as '\w+': password authentication failed/],
      [nowhere, /^DATABASE_URL: no connection to 127\.0\.0\.1:1 as '\w+': .*ECONNREFUSED/],
    ] as const) {
      const message = await refusal(
        prepareExternalDatabase({ url: attempt.href, adminUrl: undefined }, JWT.secret),
      );
      expect(message).toMatch(reason);
      expect(message).not.toContain('hunter2');
    }
  });
});

describe('DATABASE_URL with DATABASE_ADMIN_URL', () => {
  it('makes the runtime login if it does not exist, and confines it', async () => {
    const { url: adminUrl } = await openDatabase();
    const login = `login_${randomBytes(4).toString('hex')}`;
    logins.push(login);
    const url = cloneUrl(adminUrl, { user: login, password: 'chosen' });
    for (const _ of ['first', 'second']) {
      const options = await prepareExternalDatabase({ url, adminUrl }, JWT.secret);
      expect(options).toMatchObject({ url, adminUrl });
      await expectToRun(options);
    }
  });

  it('does not change the password of a login that exists', async () => {
    const database = await openDatabase();
    const url = await makeLogin(database);
    const slip = cloneUrl(url, { password: 'slip' });
    const message = await refusal(prepareExternalDatabase({ url: slip, adminUrl: database.url }, JWT.secret));
    expect(message).toMatch(/^DATABASE_URL: no connection .* password authentication failed/);
    await expectToRun(await prepareExternalDatabase({ url, adminUrl: database.url }, JWT.secret));
  });
});
