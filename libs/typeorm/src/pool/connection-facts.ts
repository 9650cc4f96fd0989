import type { PreparedBindings } from '../binding/prelude.js';

/** What a physical connection has been through, kept as long as it lives. */
export interface ConnectionFacts {
  readonly prepared: PreparedBindings;
  /** Schemas served so far; each costs the backend catalog memory that only its end gives back. */
  readonly schemas: Set<string>;
}

/** @param keepsStatements whether what is prepared is still there at the next batch */
export function newConnectionFacts(keepsStatements: boolean): ConnectionFacts {
  return { prepared: keepsStatements ? new Set() : undefined, schemas: new Set() };
}
