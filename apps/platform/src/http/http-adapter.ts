import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { HttpAdapterName } from '../config/platform-config.js';

/** Largest request body. */
const MAX_BODY_BYTES = 256 * 1024;

/** Both adapters with the same limits and manners. */
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
  // While closing, requests on open connections are still served, as on Express.
  const adapter = new FastifyAdapter({ bodyLimit: MAX_BODY_BYTES, return503OnClosing: false });
  return adapter;
}
