import type { IncomingMessage, ServerResponse } from 'node:http';

/** Middleware for both adapters: what every answer of an API says to browsers. */
export function responseHeaders(_request: IncomingMessage, response: ServerResponse, next: () => void): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('x-frame-options', 'DENY');
  next();
}
