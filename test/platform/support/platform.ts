import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { TenantContext, TenantManager, type TenantRecord } from '@tenantry/core';
import { createTestDatabase } from '@tenantry/dev-servers/testing';
import pg from 'pg';
import { DataSource } from 'typeorm';
import {
  createApplication,
  hashPassword,
  prepareExternalDatabase,
  type HttpAdapterName,
} from '../../../apps/platform/src/index.js';
import { Api, PASSWORD, type Answer } from './api.js';

export const JWT = {
  secret: 'a secret of the tests, long enough for HS256',
  issuer: 'tests',
  audience: 'tests-api',
};

export interface TestPlatform {
  readonly app: INestApplication;
  readonly api: Api;
  /** Of the login that owns the database. */
  readonly adminUrl: string;
  readonly acme: TenantRecord;
  readonly globex: TenantRecord;
  readonly tokens: { readonly acme: string; readonly globex: string; readonly operator: string };
  addUser(
    email: string,
    options: { readonly tenants?: readonly TenantRecord[]; readonly isOperator?: boolean },
  ): Promise<void>;
  /** As the operator. */
  operate(verb: 'suspend' | 'resume', tenant: TenantRecord): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * The real application on a database of its own, with two tenants, an owner of each, `multi@acme.test` of both and an
 * operator.
 */
export async function openPlatform(adapter: HttpAdapterName): Promise<TestPlatform> {
  const testDatabase = await createTestDatabase();
  const adminUrl = testDatabase.url;
  const database = await prepareExternalDatabase({ url: adminUrl, adminUrl: undefined }, JWT.secret);
  const app = await createApplication({ adapter, jwt: JWT, database, logLevels: ['fatal'] });
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const api = new Api(`http://127.0.0.1:${port}`);

  const manager = app.get(TenantManager);
  const acme = await manager.create({ slug: 'acme', name: 'Acme', tier: 'starter' });
  const globex = await manager.create({ slug: 'globex', name: 'Globex', tier: 'growth' });
  const passwordHash = await hashPassword(PASSWORD);
  const central = <T>(sql: string, parameters: unknown[]): Promise<T> =>
    TenantContext.runCentral(() => app.get(DataSource).query(sql, parameters));
  const addUser: TestPlatform['addUser'] = async (email, { tenants = [], isOperator = false }) => {
    const [user] = await central<[{ id: string }]>(
      'INSERT INTO users (email, password_hash, is_operator) VALUES ($1, $2, $3) RETURNING id',
      [email, passwordHash, isOperator],
    );
    for (const { id } of tenants) {
      await central('INSERT INTO memberships VALUES ($1, $2, $3)', [user.id, id, ['owner']]);
    }
  };
  await addUser('owner@acme.test', { tenants: [acme] });
  await addUser('owner@globex.test', { tenants: [globex] });
  await addUser('multi@acme.test', { tenants: [acme, globex] });
  await addUser('operator@platform.test', { isOperator: true });
  const [ofAcme, ofGlobex, operator] = await Promise.all(
    ['owner@acme.test', 'owner@globex.test', 'operator@platform.test'].map((email) => api.token(email)),
  );
  return {
    app,
    api,
    adminUrl,
    acme,
    globex,
    tokens: { acme: ofAcme!, globex: ofGlobex!, operator: operator! },
    addUser,
    operate: (verb, { id }) => api.call(`/admin/tenants/${id}/${verb}`, { method: 'POST', token: operator! }),
    close: async () => {
      await app.close();
      const roles = await rolesOf(adminUrl);
      await testDatabase.drop();
      await dropRoles(roles);
    },
  };
}

/** Runs SQL as the login that owns everything. */
export async function asAdmin<T extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters: unknown[] = [],
): Promise<T[]> {
  const session = new pg.Client({ connectionString: url });
  await session.connect();
  try {
    return (await session.query<T>(sql, parameters)).rows;
  } finally {
    await session.end();
  }
}

/** Roles belong to the server and outlive the database that they were made for. */
export async function rolesOf(adminUrl: string): Promise<string[]> {
  const database = new URL(adminUrl).pathname.slice(1);
  const rows = await asAdmin<{ name: string }>(
    adminUrl,
    `SELECT rolname AS name FROM pg_roles WHERE rolname LIKE $1 OR rolname IN (SELECT nspname FROM pg_namespace)`,
    [`${database}\\_%`],
  );
  return rows.map(({ name }) => name).filter((name) => !name.startsWith('pg_'));
}

export async function dropRoles(roles: readonly string[]): Promise<void> {
  for (const role of roles) await asAdmin(process.env['TENANTRY_TEST_PG_URL']!, `DROP ROLE "${role}"`);
}
