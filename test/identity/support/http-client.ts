import { Agent, request } from 'node:http';
import { setImmediate as immediate } from 'node:timers/promises';

export interface Call {
  readonly method?: string;
  /** In the order sent; names may repeat. `Host` defaults to the server's address. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly token?: string | undefined;
  /** Sent as JSON, unless it is text. */
  readonly body?: unknown;
  /** Pieces the body is sent in, with the event loop turning in between. Default 1. */
  readonly chunks?: number;
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The text as JSON, `undefined` if it is none. */
  readonly body: any; // oxlint-disable-line typescript/no-explicit-any -- tests look into whatever came
}

/** Sends exactly what it is told: fetch would normalise targets and join or refuse headers. */
export async function call(port: number, target: string, options: Call = {}): Promise<Answer> {
  const { headers = [], token, body, chunks = 1 } = options;
  const payload = Buffer.from(
    body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body),
  );
  const all: (readonly [string, string])[] = [
    ...(headers.some(([name]) => /^host$/i.test(name)) ? [] : [['Host', `127.0.0.1:${port}`] as const]),
    ...headers,
    ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
    ...(body === undefined
      ? []
      : [['Content-Type', 'application/json'] as const, ['Content-Length', `${payload.length}`] as const]),
  ];
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: target,
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: all.flat(),
    agent: options.agent ?? new Agent({ keepAlive: false }),
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        resolve({ status: incoming.statusCode!, text, body: parsed(text) });
      });
    });
  });
  const size = Math.max(1, Math.ceil(payload.length / chunks));
  for (let at = 0; at < payload.length; at += size) {
    outgoing.write(payload.subarray(at, at + size));
    await immediate();
  }
  outgoing.end();
  return answered;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
