import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { transformSync } from '@swc/core';
import { signTestToken } from '@tenantry/core/testing';
import { call } from './support/http-client.js';

const SECRET = 'a secret for the example, of 32 bytes and more';

/** The module that the first example of the README exports. */
function exampleModule(): Type {
  const readme = readFileSync(join(import.meta.dirname, '../../libs/core/README.md'), 'utf8');
  const { code } = transformSync(/```ts\n([^]*?)```/.exec(readme)![1]!, {
    module: { type: 'commonjs' },
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  const exported: { AppModule?: Type } = {};
  // oxlint-disable-next-line typescript/no-implied-eval -- our own text, compiled above
  new Function('require', 'exports', code)(require, exported);
  return exported.AppModule!;
}

describe('the example in the README of core', () => {
  let app: INestApplication;
  beforeAll(async () => {
    jest.replaceProperty(process, 'env', { ...process.env, JWT_SECRET: SECRET });
    app = await NestFactory.create(exampleModule(), { logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await app.close();
    jest.restoreAllMocks();
  });

  it('greets the tenant of a token, and nobody without one', async () => {
    const { port } = app.getHttpServer().address();
    const exp = Math.floor(Date.now() / 1000) + 60;
    const token = signTestToken(SECRET, { sub: 'ann', iss: 'shop', aud: 'shop-api', exp, tenant_id: 'acme' });
    await expect(call(port, '/hello', { token })).resolves.toMatchObject({ body: { hello: 'acme' } });
    await expect(call(port, '/hello')).resolves.toMatchObject({ status: 401 });
  });
});
