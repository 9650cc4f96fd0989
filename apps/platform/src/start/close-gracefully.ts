import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';

/** How long requests in progress may take to finish. */
const PATIENCE_MS = 10_000;
const SWEEP_MS = 50;

/** Closes the application; connections are ended as soon as they have nothing to do, and all of them in the end. */
export async function closeGracefully(app: INestApplication, hurry?: AbortSignal): Promise<void> {
  const server = app.getHttpServer() as Server;
  const cutOff = (): void => server.closeAllConnections();
  // Node ends connections that are idle when the server closes, not those that become idle later.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const deadline = setTimeout(cutOff, PATIENCE_MS);
  hurry?.addEventListener('abort', cutOff);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(deadline);
    hurry?.removeEventListener('abort', cutOff);
  }
}
