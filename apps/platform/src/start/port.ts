import { once } from 'node:events';
import { createServer } from 'node:net';
import { StartError } from './start.error.js';

/**
 * Listens for a moment, so that a start that cannot end well ends at once. Whoever listens later may still lose a
 * race; see {@link listenError}.
 *
 * @throws {StartError} when this process cannot listen there
 */
export async function ensureCanListen(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, host, port);
  }
  server.close();
  await once(server, 'close');
}

/** The words for an error of `listen`; other errors are returned as they are. */
export function listenError(error: unknown, host: string, port: number): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new StartError(
        `Port ${port} on ${host} is in use by another program. Stop that one, or choose another port: PORT=${another(port)} npm start`,
        error,
      );
    case 'EACCES':
      return new StartError(
        `This user may not listen on port ${port}. Choose one from 1024 on: PORT=3000 npm start`,
        error,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`HOST must be an address of this machine, such as 127.0.0.1 or 0.0.0.0.`, error);
    default:
      return error;
  }
}

function another(port: number): number {
  return port < 65_535 ? port + 1 : 3000;
}
