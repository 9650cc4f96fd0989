import { randomBytes } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { jwtClaimStrategy, TenancyModule } from '@tenantry/core';
import { cloneUrl, createTestDatabase } from '@tenantry/dev-servers/testing';
import { Client } from 'pg';
import { setUpDatabase, TenantryTypeOrmModule } from '../../src/index.js';

it('an application whose registry was never made does not start, and says what to call', async () => {
  const database = await createTestDatabase();
  const suffix = randomBytes(4).toString('hex');
  const runtime = { login: `bare_${suffix}`, password: 'bare' };
  const isolation = { centralRole: `bare_${suffix}_central` };
  await setUpDatabase({ adminUrl: database.url, runtime, isolation });

  @Module({
    imports: [
      TenancyModule.forRoot({
        resolution: { strategies: [jwtClaimStrategy()] },
        access: { kind: 'jwt', jwt: { key: { secret: 'x'.repeat(32) }, issuer: 'test', audience: 'test' } },
      }),
      TenantryTypeOrmModule.forRoot({
        url: cloneUrl(database.url, { user: runtime.login, password: runtime.password }),
        isolation,
      }),
    ],
  })
  class BareModule {}

  const app = await NestFactory.create(BareModule, { logger: false, abortOnError: false });
  await expect(app.init()).rejects.toThrow(
    /registry of tenants is missing in schema 'tenantry'.*migrateCentral\(\)/,
  );
  await app.close();

  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  for (const role of [runtime.login, isolation.centralRole])
    await admin.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
  await admin.end();
  await database.drop();
});
