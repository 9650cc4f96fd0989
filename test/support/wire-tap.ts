import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** One message that a client sent to PostgreSQL, after its start-up. */
export interface WireMessage {
  /** The protocol's type byte, such as `P` for Parse or `S` for Sync. */
  readonly type: string;
  readonly body: string;
}

export interface WireTap {
  /** The given URL, through the tap. */
  readonly url: string;
  readonly messages: readonly WireMessage[];
  /** Connections opened so far. */
  readonly connections: number;
  /** Forgets what was heard so far. */
  reset(): void;
  /** Times the client waited for the server: one per Sync and per simple Query. */
  roundTrips(): number;
  /** Type bytes in the order sent, such as `BEPBDES`. */
  sequence(): string;
  close(): Promise<void>;
}

/** Listens in on everything clients send to the server of `url`. */
export async function tapWire(url: string): Promise<WireTap> {
  const target = new URL(url);
  const messages: WireMessage[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    connections++;
    const upstream = connect(Number(target.port), target.hostname);
    const read = messageReader((message) => messages.push(message));
    client.on('data', read);
    client.pipe(upstream);
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === client ? upstream : client).destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const tapped = new URL(url);
  tapped.hostname = '127.0.0.1';
  tapped.port = String((server.address() as AddressInfo).port);
  return {
    url: tapped.href,
    messages,
    get connections() {
      return connections;
    },
    reset: () => {
      messages.length = 0;
    },
    roundTrips: () => messages.filter(({ type }) => type === 'S' || type === 'Q').length,
    sequence: () => messages.map(({ type }) => type).join(''),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The start-up message has no type byte; every later one is a type, a length, and a body. */
function messageReader(heard: (message: WireMessage) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const header = started ? 5 : 4;
      if (pending.length < header) return;
      const length = pending.readInt32BE(header - 4) + header - 4;
      if (pending.length < length) return;
      if (started)
        heard({ type: String.fromCharCode(pending[0]!), body: pending.toString('latin1', 5, length) });
      started = true;
      pending = pending.subarray(length);
    }
  };
}
