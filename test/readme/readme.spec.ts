import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { TenantContext, TenantManager } from '@tenantry/core';
import { createTestDatabase, type TestDatabase } from '@tenantry/dev-servers/testing';
import { migrateCentral, setUpDatabase } from '@tenantry/typeorm';
import { Client } from 'pg';
import {
  Column,
  Entity,
  PrimaryColumn,
  type DataSource,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { getDataSourceToken } from '@nestjs/typeorm';

@Entity('note')
class Note {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  text!: string;
}

class CreateNotes1740000000000 implements MigrationInterface {
  readonly name = 'CreateNotes1740000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE note');
  }
}

const JWT_SECRET = 'a secret of the example, long enough for HS256';
const LOGIN = `readme_${process.pid}`;

let database: TestDatabase;
let app: INestApplication;
let AppModule: Type;
const generated = join(__dirname, '.generated');
const roles = [LOGIN, `${LOGIN}_central`];

beforeAll(async () => {
  database = await createTestDatabase();
  const isolation = { centralRole: `${LOGIN}_central` };
  await setUpDatabase({ adminUrl: database.url, runtime: { login: LOGIN, password: 'readme' }, isolation });
  await migrateCentral({ adminUrl: database.url, isolation });
  const runtime = new URL(database.url);
  runtime.username = LOGIN;
  runtime.password = 'readme';
  AppModule = exampleModule({ RUNTIME_URL: runtime.href, ADMIN_URL: database.url });
  app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  for (const role of roles) await admin.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
  await admin.end();
  await database.drop();
  rmSync(generated, { recursive: true, force: true });
});

describe('the example of the README', () => {
  it('lists each caller its own notes, and refuses the others', async () => {
    const manager = app.get(TenantManager);
    const texts: unknown[] = [];
    for (const slug of ['acme', 'globex']) {
      const tenant = await manager.create({ slug, name: slug, tier: 'starter' });
      roles.push(tenant.schema);
      await TenantContext.run(tenant, () =>
        app
          .get<DataSource>(getDataSourceToken())
          .getRepository(Note)
          .insert({ id: 1, text: `note of ${slug}` }),
      );
      texts.push(await list({ sub: 'somebody', tenant_id: tenant.id }));
    }
    expect(texts).toEqual([
      [200, [{ id: 1, text: 'note of acme' }]],
      [200, [{ id: 1, text: 'note of globex' }]],
    ]);
    expect(await list({ sub: 'somebody', tenant_id: 'acme' }, { 'x-tenant-id': 'globex' })).toEqual([
      403,
      expect.objectContaining({ code: 'TENANT_MISMATCH' }),
    ]);
    expect(await list(undefined)).toEqual([401, expect.objectContaining({ code: 'UNAUTHENTICATED' })]);
  });
});

async function list(
  claims: object | undefined,
  headers: Record<string, string> = {},
): Promise<[number, unknown]> {
  const token =
    claims &&
    new JwtService({ secret: JWT_SECRET }).sign(claims, {
      issuer: 'shop',
      audience: 'shop-api',
      expiresIn: 60,
    });
  const response = await fetch(`${await app.getUrl()}/notes`, {
    headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) },
  });
  return [response.status, await response.json()];
}

/** The code of the README as it stands there, with the names that it leaves to the reader. */
function exampleModule(urls: { RUNTIME_URL: string; ADMIN_URL: string }): Type {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  const example = /executed by test\/readme -->\s+```ts\n([^]*?)```/.exec(readme)![1]!;
  mkdirSync(generated, { recursive: true });
  const file = join(generated, 'example.ts');
  // The role of the central schema is a default in the example; here it differs, since roles belong to the whole server.
  const code = example.replace(
    'tenantMigrations:',
    `isolation: { centralRole: '${LOGIN}_central' }, tenantMigrations:`,
  );
  writeFileSync(
    file,
    `import { Controller, Get, Module } from '@nestjs/common';
     import { InjectRepository } from '@nestjs/typeorm';
     import { headerStrategy, jwtClaimStrategy, TenancyModule } from '@tenantry/core';
     import { TenantryTypeOrmModule } from '@tenantry/typeorm';
     import { Repository } from 'typeorm';
     export function build({ JWT_SECRET, RUNTIME_URL, ADMIN_URL, Note, CreateNotes }: any) { ${code} return AppModule; }`,
  );
  const { build } = require(file) as { readonly build: (names: object) => Type };
  return build({ ...urls, JWT_SECRET, Note, CreateNotes: CreateNotes1740000000000 });
}
