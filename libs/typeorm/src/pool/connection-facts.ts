import type { PreparedBindings } from '../binding/prelude.js';

/** What a physical connection has been through, kept as long as it lives. */
export interface ConnectionFacts {
  readonly prepared: PreparedBindings;
  /** Schemas served so far; each costs the backend catalog memory that only its end gives back. */
  readonly schemas: Set<string>;
}

export function newConnectionFacts(): ConnectionFacts {
  return { prepared: new Set(), schemas: new Set() };
}
