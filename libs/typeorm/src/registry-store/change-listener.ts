import pg from 'pg';
import { TenantContext } from '@tenantry/core';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/**
 * LISTENs on a connection of its own, for as long as it is wanted, and reconnects when it is lost. What was
 * announced while nobody listened cannot be known, so after every (re)connect `undefined` is reported.
 *
 * @returns ends it; resolves when the connection is closed
 */
export async function watchChannel(
  connection: pg.ClientConfig,
  channel: string,
  onChange: (payload: string | undefined) => void,
): Promise<() => Promise<void>> {
  const listener = new ChannelListener(connection, channel, onChange);
  await TenantContext.runDetached(() => listener.start());
  return () => listener.stop();
}

class ChannelListener {
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopped = false;

  constructor(
    private readonly connection: pg.ClientConfig,
    private readonly channel: string,
    private readonly onChange: (payload: string | undefined) => void,
  ) {}

  /** The first connect may fail loudly, and is not tried again; later ones are, quietly. */
  async start(): Promise<void> {
    const client = new pg.Client({
      application_name: 'tenantry-registry',
      keepAlive: true,
      ...this.connection,
    });
    client.on('error', () => {});
    client.on('notification', ({ payload }) => this.onChange(payload));
    this.#client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(this.channel)}`);
    } catch (error) {
      await client.end();
      throw error;
    }
    client.on('end', () => this.#reconnectLater());
    this.#retryMs = FIRST_RETRY_MS;
    this.onChange(undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#client?.end();
  }

  #reconnectLater(): void {
    if (this.#stopped || this.#retry) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.start().catch(() => this.#reconnectLater());
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
