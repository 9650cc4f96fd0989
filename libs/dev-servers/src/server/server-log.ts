import { open, rename, stat } from 'node:fs/promises';

const ROTATE_AT_BYTES = 4 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;
const TAIL_LINES = 12;

/** What a server has written to its log since this object was made. */
export class ServerLog {
  readonly #file: string;
  readonly #start: number;

  private constructor(file: string, start: number) {
    this.#file = file;
    this.#start = start;
  }

  /** Keeps the log of a long-lived cluster below about twice the rotation size; the older half is `<file>.1`. */
  static async follow(file: string): Promise<ServerLog> {
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size < ROTATE_AT_BYTES) return new ServerLog(file, size);
    await rename(file, `${file}.1`);
    return new ServerLog(file, 0);
  }

  /** The last 16 KiB at most; empty when there is no log. */
  async read(): Promise<string> {
    const handle = await open(this.#file).catch(() => undefined);
    if (!handle) return '';
    try {
      const { size } = await handle.stat();
      const from = Math.max(this.#start, size - TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - from)), {
        position: from,
      });
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  /** The last lines, for a message. */
  async tail(): Promise<string> {
    return (await this.read()).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }
}
