import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { requestScope } from '../context/request-scope.js';
import { TenantContext } from '../context/tenant-context.js';
import { TenancyConfigurationError } from '../errors/configuration.error.js';

interface FastifyLike {
  addHook(
    name: 'preValidation',
    hook: (request: { raw: IncomingMessage }, reply: { raw: ServerResponse }, done: () => void) => void,
  ): unknown;
}

/**
 * Runs every request in its own scope, on the adapter itself: a Nest middleware would be subject to global
 * prefixes, versions and route patterns, and a route it misses would run without a scope.
 */
export function mountScopes(adapter: AbstractHttpAdapter): void {
  switch (adapter.getType()) {
    case 'express':
      adapter.use((request: IncomingMessage, response: ServerResponse, next: () => void) =>
        runInRequestScope(request, response, next),
      );
      return;
    case 'fastify':
      // Not earlier: Fastify reads the body between onRequest and preValidation, and the body's events
      // come from the socket, outside of any scope opened before.
      adapter
        .getInstance<FastifyLike>()
        .addHook('preValidation', (request, reply, done) => runInRequestScope(request.raw, reply.raw, done));
      return;
    default:
      throw new TenancyConfigurationError(
        `HTTP adapter '${adapter.getType()}' is not supported; use Express or Fastify.`,
      );
  }
}

function runInRequestScope(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const scope = requestScope(request);
  // Closed before the answer was written: the client hung up, and nobody waits for what is still running.
  response.once('close', () => {
    if (!response.writableFinished) scope.abort();
  });
  TenantContext.runInScope(scope, next);
}
