import { Agent, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Module, VersioningType, type INestApplication } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { headerStrategy, jwtClaimStrategy, pathStrategy, TenantContext } from '@tenantry/core';
import {
  ObservingController,
  ObservingFilter,
  ObservingGuard,
  ObservingInterceptor,
} from './support/observing.controller.js';
import { SampleController, SampleTenantsController } from './support/sample.controller.js';
import {
  acme,
  ADAPTERS,
  EVERY_SOURCE,
  globex,
  startSampleApp,
  type SampleApp,
} from './support/sample-app.js';
import { tokenWith } from './support/tokens.js';

@Module({})
class FeatureModule {}

const controllers = [SampleController, SampleTenantsController, ObservingController];
const tokens = { acme: tokenWith({ tenant_id: acme.id }), globex: tokenWith({ tenant_id: globex.id }) };
const SLUGS = ['acme', 'globex'] as const;

const everywhere = (slug: string, length?: number) => ({
  ...(length !== undefined && { length }),
  guard: slug,
  guardAfterAwait: slug,
  interceptor: slug,
  pipe: slug,
  handler: slug,
  handlerAfterAwait: slug,
  interceptorAfter: slug,
});

/** Checks of webhook signatures do so: they need the bytes. */
const readBodiesFirst: Readonly<Record<string, (nest: INestApplication) => void>> = {
  Express: (nest) =>
    nest.use((request: IncomingMessage & { body?: unknown; _body?: true }, _: unknown, next: () => void) =>
      collect(request, (bytes) => {
        Object.assign(request, { body: JSON.parse(bytes.toString()), _body: true });
        next();
      }),
    ),
  Fastify: (nest) =>
    (nest.getHttpAdapter().getInstance() as FastifyInstance).addHook(
      'preParsing',
      (_request, _reply, payload, done) =>
        collect(payload as Readable, (bytes) => done(null, Readable.from([bytes]))),
    ),
};

function collect(stream: Readable, done: (bytes: Buffer) => void): void {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  stream.on('end', () => done(Buffer.concat(pieces)));
}

describe.each(ADAPTERS)('on %s', (adapterName, makeAdapter) => {
  describe('a request', () => {
    let app: SampleApp;
    beforeAll(async () => {
      app = await startSampleApp(makeAdapter(), { controllers });
    });
    afterAll(() => app.nest.close());

    it.each(SLUGS)(
      'runs in its tenant %s from the guards after ours to the last interceptor',
      async (slug) => {
        const answer = await app.call('/observe', { token: tokens[slug] });
        expect(answer).toMatchObject({ status: 200, body: everywhere(slug) });
      },
    );

    it.each([
      ['a small body', 10, 1],
      ['a body in pieces', 5_000, 50],
      ['a large body in many pieces', 90_000, 90],
    ])('with %s runs in its tenant just so', async (_title, length, chunks) => {
      const answers = await Promise.all(
        [...SLUGS, ...SLUGS].map((slug) =>
          app.call('/observe', { token: tokens[slug], body: { text: 'x'.repeat(length) }, chunks }),
        ),
      );
      expect(answers.map(({ body }) => body)).toEqual(
        [...SLUGS, ...SLUGS].map((slug) => everywhere(slug, length)),
      );
    });

    it('that fails runs its exception filter in its tenant', async () => {
      const answer = await app.call('/observe/failure', { token: tokens.acme });
      expect(answer).toMatchObject({
        status: 418,
        body: { guard: 'acme', interceptor: 'acme', filter: 'acme', filterAfterAwait: 'acme' },
      });
    });

    it('takes its tenant along nobody else: alternating tenants on one connection', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      let sockets = 0;
      app.nest.getHttpServer().on('connection', () => sockets++);
      const seen: unknown[] = [];
      for (const slug of [...SLUGS, ...SLUGS, ...SLUGS]) {
        seen.push((await app.call('/whoami', { token: tokens[slug], agent })).body.tenant);
        seen.push((await app.call('/public', { agent })).body.state);
        const posted = await app.call('/echo', { token: tokens[slug], agent, body: { text: 'x' } });
        seen.push(posted.body.after.tenant);
      }
      agent.destroy();
      expect(seen).toEqual([...SLUGS, ...SLUGS, ...SLUGS].flatMap((slug) => [slug, 'none', slug]));
      expect(sockets).toBe(1);
    });

    it('keeps to its tenant among 200 concurrent ones that wait for this and that', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 20 });
      const wanted = Array.from({ length: 200 }, (__, i) => SLUGS[i % 2]!);
      const answers = await Promise.all(
        wanted.map((slug) => app.call('/wander', { token: tokens[slug], agent })),
      );
      agent.destroy();
      expect(answers.map(({ body }) => body.seen)).toEqual(wanted.map((slug) => [slug]));
    });

    it('leaves no tenant behind', async () => {
      await app.call('/whoami', { token: tokens.acme });
      expect(TenantContext.state()).toEqual({ kind: 'none' });
    });

    it.each([
      ['an unknown route', '/nowhere', {}, 404, 'NOT_FOUND'],
      ['an unknown route with a token', '/nowhere', { token: tokens.acme }, 404, 'NOT_FOUND'],
      ['an unknown route with a body', '/nowhere', { body: { a: 1 } }, 404, 'NOT_FOUND'],
      ['an unknown route with a malformed tenant', '/tenants/../x', {}, 404, 'NOT_FOUND'],
      ['another method', '/whoami', { method: 'DELETE' }, 404, 'NOT_FOUND'],
      ['malformed JSON', '/echo', { token: tokens.acme, body: '{"a":' }, 400, 'BAD_REQUEST'],
      ['malformed JSON without a token', '/echo', { body: '{"a":' }, 400, 'BAD_REQUEST'],
      ['an HTTP exception', '/errors/http', { token: tokens.acme }, 425, 'HTTP_425'],
      ['an error', '/errors/plain', { token: tokens.acme }, 500, 'INTERNAL_SERVER_ERROR'],
      [
        'an error with a status of its own',
        '/errors/upstream',
        { token: tokens.acme },
        500,
        'INTERNAL_SERVER_ERROR',
      ],
      ['a thrown text', '/errors/text', { token: tokens.acme }, 500, 'INTERNAL_SERVER_ERROR'],
      ['no token', '/whoami', {}, 401, 'UNAUTHENTICATED'],
    ] as const)('that ends in %s is answered in the one shape', async (_title, target, how, status, code) => {
      const answer = await app.call(target, how);
      expect(answer).toMatchObject({ status, body: { statusCode: status, code } });
      expect(answer.body).toEqual({
        statusCode: status,
        error: expect.stringMatching(/^[A-Z]/),
        message: expect.any(String),
        code,
      });
      expect(answer.text).not.toMatch(/hunter2|AKIA|postgres:|node_modules| at /);
    });
  });

  it('a body that somebody read before us, and went on from an event of the socket, takes no tenant away', async () => {
    const app = await startSampleApp(makeAdapter(), {
      controllers,
      configure: readBodiesFirst[adapterName]!,
    });
    const body = { text: 'x'.repeat(50_000) };
    const answer = await app.call('/observe', { token: tokens.acme, body, chunks: 20 });
    await app.nest.close();
    expect(answer).toMatchObject({ status: 201, body: everywhere('acme', 50_000) });
  });

  describe('a global prefix and versions in the path', () => {
    const token = tokens.acme;
    let app: SampleApp;
    beforeAll(async () => {
      const path = pathStrategy({ pattern: '/api/:version/tenants/:tenantId' });
      app = await startSampleApp(makeAdapter(), {
        controllers,
        tenancy: {
          ...EVERY_SOURCE,
          resolution: {
            strategies: [jwtClaimStrategy(), headerStrategy(), path],
            excludePaths: ['/api/v1/docs/*'],
          },
        },
        configure: (nest) =>
          nest.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
      });
    });
    afterAll(() => app.nest.close());

    it('change nothing about the tenant of a request', async () => {
      const body = { text: 'x'.repeat(10_000) };
      await expect(app.call('/api/v1/observe', { token, body, chunks: 10 })).resolves.toMatchObject({
        status: 201,
        body: everywhere('acme', 10_000),
      });
    });

    it('are part of the pattern of the path strategy', async () => {
      const own = app.call(`/api/v1/tenants/${acme.id}/whoami`, { token });
      await expect(own).resolves.toMatchObject({ status: 200, body: { tenant: 'acme' } });
      const foreign = app.call('/api/v1/tenants/globex/whoami', { token });
      await expect(foreign).resolves.toMatchObject({ status: 403, body: { code: 'TENANT_MISMATCH' } });
    });

    it('are part of excluded paths', async () => {
      const docs = app.call('/api/v1/docs/page');
      await expect(docs).resolves.toMatchObject({ status: 200, body: { state: 'none' } });
    });

    it('are answered for unknown routes below them in the one shape', async () => {
      for (const target of ['/api/v1/nowhere', '/api/v2/observe', '/api']) {
        const answer = app.call(target, { token });
        await expect(answer).resolves.toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      }
    });
  });

  describe("an application's own global enhancers", () => {
    let app: SampleApp;
    beforeAll(async () => {
      app = await startSampleApp(makeAdapter(), {
        controllers: [ObservingController, SampleController],
        features: [
          {
            module: FeatureModule,
            providers: [
              { provide: APP_GUARD, useClass: ObservingGuard },
              { provide: APP_INTERCEPTOR, useClass: ObservingInterceptor },
            ],
          },
        ],
        configure: (nest) => nest.useGlobalFilters(new ObservingFilter(nest.get(HttpAdapterHost))),
      });
    });
    afterAll(() => app.nest.close());

    it('run in the tenant when their module comes after ours', async () => {
      const answer = await app.call('/whoami', { token: tokens.globex });
      expect(answer.body).toMatchObject({
        guard: 'globex',
        interceptor: 'globex',
        interceptorAfter: 'globex',
      });
    });

    it('that are filters given to the application come before ours', async () => {
      const answer = await app.call('/errors/plain', { token: tokens.globex });
      expect(answer).toMatchObject({ status: 418, body: { filter: 'globex', filterAfterAwait: 'globex' } });
    });
  });

  it('guards and filters of the root module come before ours: without a tenant, and not at all', async () => {
    const app = await startSampleApp(makeAdapter(), {
      controllers,
      providers: [
        { provide: APP_GUARD, useClass: ObservingGuard },
        { provide: APP_FILTER, useClass: ObservingFilter },
      ],
      features: [
        { module: FeatureModule, providers: [{ provide: APP_INTERCEPTOR, useClass: ObservingInterceptor }] },
      ],
    });
    const served = await app.call('/whoami', { token: tokens.acme });
    const failed = await app.call('/errors/plain', { token: tokens.acme });
    await app.nest.close();
    expect(served.body).toMatchObject({ tenant: 'acme', interceptor: 'acme' });
    expect(served.body).not.toHaveProperty('guard');
    expect(failed).toMatchObject({ status: 500, body: { code: 'INTERNAL_SERVER_ERROR' } });
  });
});
