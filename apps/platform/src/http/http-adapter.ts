import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { toErrorBody } from '@tenantry/core';
import type { HttpAdapterName } from '../config/platform-config.js';

/** Largest request body. */
const MAX_BODY_BYTES = 256 * 1024;

/** Either adapter, with the same limits and manners. */
export function httpAdapter(name: HttpAdapterName): AbstractHttpAdapter {
  return name === 'fastify' ? fastify() : express();
}

function express(): AbstractHttpAdapter {
  const adapter = new ExpressAdapter();
  adapter.disable('x-powered-by');
  adapter.useBodyParser('json', false, { limit: MAX_BODY_BYTES });
  return adapter;
}

function fastify(): AbstractHttpAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { ignoreTrailingSlash: true },
    // Raised before any route is found, and so before any exception filter.
    frameworkErrors: sendError as never, // whose types come with Fastify, which is Nest's dependency
    // While closing, requests on open connections are still served.
    return503OnClosing: false,
  });
  const parseJson = adapter.getInstance().getDefaultJsonParser('error', 'error');
  adapter.useBodyParser('application/json', false, { bodyLimit: MAX_BODY_BYTES }, (request, body, done) => {
    // Many clients announce JSON whether or not they send any; Fastify alone would refuse that.
    if (body.length === 0) return done(null, undefined);
    return parseJson(request, body.toString(), done);
  });
  return adapter;
}

interface ReplyLike {
  code(status: number): { send(body: unknown): unknown };
}

function sendError(error: unknown, _request: unknown, reply: ReplyLike): void {
  const body = toErrorBody(error);
  reply.code(body.statusCode).send(body);
}
