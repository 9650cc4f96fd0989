/**
 * What went wrong, in words no transport owns. Each transport maps kinds to its own codes once
 * (HTTP: see `TenancyExceptionFilter`).
 */
export type TenancyErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'limited'
  | 'unavailable'
  | 'internal';

export interface TenancyErrorInit {
  /** Stable, upper snake case; part of the public contract. */
  readonly code: string;
  readonly kind: TenancyErrorKind;
  /** For our logs: what happened, to whom, and what to do. Never credentials or payloads. */
  readonly message: string;
  /** For the caller outside. Default: a fixed sentence per kind that tells nothing internal. */
  readonly publicMessage?: string;
  readonly cause?: unknown;
}

const PUBLIC_MESSAGES: Readonly<Record<TenancyErrorKind, string>> = {
  invalid: 'The request is not valid.',
  unauthenticated: 'A valid access token is required.',
  forbidden: 'You may not do this.',
  'not-found': 'There is no such resource.',
  conflict: 'The request conflicts with the current state.',
  limited: 'A limit is reached. Try again later.',
  unavailable: 'The service cannot answer right now. Try again later.',
  internal: 'Internal server error',
};

/**
 * Base of every error the suite raises on purpose. `message` is for logs, `publicMessage` for callers:
 * what is told apart inside may look alike outside.
 */
export abstract class TenancyError extends Error {
  readonly code: string;
  readonly kind: TenancyErrorKind;
  readonly publicMessage: string;

  protected constructor(init: TenancyErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = new.target.name;
    this.code = init.code;
    this.kind = init.kind;
    this.publicMessage = init.publicMessage ?? PUBLIC_MESSAGES[init.kind];
  }
}

/** Recognises a `TenancyError` of any copy of this package, which `instanceof` would not. */
export function isTenancyError(error: unknown): error is TenancyError {
  if (!(error instanceof Error)) return false;
  const { code, kind, publicMessage } = error as Partial<TenancyError>;
  return (
    typeof code === 'string' &&
    typeof publicMessage === 'string' &&
    typeof kind === 'string' &&
    Object.hasOwn(PUBLIC_MESSAGES, kind)
  );
}
