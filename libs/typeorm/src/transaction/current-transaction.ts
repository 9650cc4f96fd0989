import { AsyncLocalStorage } from 'node:async_hooks';
import type { TransactionLevel } from './transaction-level.js';
import { isInForce, type TransactionPlace } from './transaction-place.js';

/** What is current at one place; and, further out, at others. */
interface Frame extends TransactionPlace {
  /** `undefined`: deliberately none, whatever is further out. */
  readonly level: TransactionLevel | undefined;
  readonly outer: Frame | undefined;
}

const frames = new AsyncLocalStorage<Frame>();

/** The innermost level that is current at a place; it may have ended. */
export function levelAt({ base, schema }: TransactionPlace): TransactionLevel | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    if (frame.base === base && frame.schema === schema) return frame.level;
  }
  return undefined;
}

/** The innermost level that is current for the tenant in force, whichever data source it is of. */
export function levelInForce(): TransactionLevel | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    if (isInForce(frame)) return frame.level;
  }
  return undefined;
}

/** Runs `fn` with this level, or none, current at a place; other places keep theirs. */
export function runAt<T>(place: TransactionPlace, level: TransactionLevel | undefined, fn: () => T): T {
  const { base, schema } = place;
  return frames.run({ base, schema, level, outer: frames.getStore() }, fn);
}
