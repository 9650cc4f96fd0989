/** Every condition a caller of {@link startPostgres} may want to tell apart; the values never change. */
export type EmbeddedPostgresErrorCode =
  | 'EMBEDDED_POSTGRES_UNSUPPORTED_PLATFORM'
  | 'EMBEDDED_POSTGRES_DATA_CORRUPT'
  | 'EMBEDDED_POSTGRES_DATA_VERSION'
  | 'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE'
  | 'EMBEDDED_POSTGRES_IN_USE'
  | 'EMBEDDED_POSTGRES_PORT_IN_USE'
  | 'EMBEDDED_POSTGRES_START_TIMEOUT'
  | 'EMBEDDED_POSTGRES_FAILED';

/** What an {@link EmbeddedPostgresError} knows besides its message. */
export interface EmbeddedPostgresErrorDetails {
  /** The directory or file the error is about. */
  readonly path?: string;
  /** The process that stands in the way. */
  readonly pid?: number;
  readonly cause?: unknown;
}

/**
 * A server that could not be started. The message says what happened, to which path, and what to do; it
 * never holds a password. Whatever the code, data in a `dataDir` given by the caller was not deleted.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code: EmbeddedPostgresErrorCode;
  readonly path: string | undefined;
  readonly pid: number | undefined;

  constructor(code: EmbeddedPostgresErrorCode, message: string, details: EmbeddedPostgresErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = details.path;
    this.pid = details.pid;
  }
}

const REFUSED_ACCESS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

/** What making directories is refused with, also when something on the way is a file. */
export const REFUSED_DIRECTORY: ReadonlySet<string> = new Set([...REFUSED_ACCESS, 'EEXIST', 'ENOTDIR']);

/**
 * Runs `work` on `path`; a refusal by the file system becomes `EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE`.
 * Other errors pass through untouched.
 */
export async function needingAccessTo<T>(
  path: string,
  work: () => Promise<T>,
  refusals = REFUSED_ACCESS,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!refusals.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    const uid = process.getuid?.();
    throw new EmbeddedPostgresError(
      'EMBEDDED_POSTGRES_DIRECTORY_NOT_WRITABLE',
      `PostgreSQL cannot keep its data in ${path}: ${(error as Error).message}` +
        `${uid === undefined ? '' : ` (running as uid ${uid})`}. ` +
        'Give this user the directory and the one above it, or choose another dataDir.',
      { path, cause: error },
    );
  }
}
