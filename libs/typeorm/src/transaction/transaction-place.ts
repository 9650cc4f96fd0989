import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource } from 'typeorm';
import { bindingOf } from '../datasource/view-binding.js';
import type { TransactionLevel } from './transaction-level.js';

/** The application's routed data source, as far as transactions need it. */
export interface RoutedDataSource extends Pick<DataSource, 'manager'> {
  /** @throws {TenantContextMissingError} when neither a tenant nor the central context is in force */
  current(): DataSource;
  currentOrNone(): DataSource | undefined;
}

/**
 * Where a transaction is current: one schema of one data source. Views come and go (they are cached by use), so
 * the view itself would not do.
 */
export interface TransactionPlace {
  readonly base: RoutedDataSource;
  readonly schema: string;
}

/** What is current at one place; and, further out, at others. */
interface Frame extends TransactionPlace {
  /** `undefined`: deliberately none, whatever is further out. */
  readonly level: TransactionLevel | undefined;
  readonly outer: Frame | undefined;
}

const frames = new AsyncLocalStorage<Frame>();

/** The place of the tenant in force. @throws {TenantContextMissingError} without a context */
export function placeInForce(base: RoutedDataSource): TransactionPlace {
  return { base, schema: schemaOf(base.current()) };
}

export function isInForce({ base, schema }: TransactionPlace): boolean {
  return schemaInForce(base) === schema;
}

export function schemaInForce(base: RoutedDataSource): string | undefined {
  const view = base.currentOrNone();
  return view && schemaOf(view);
}

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

export function schemaOf(view: DataSource): string {
  // Every view has a binding, but for those of schemas that are still being made; those are never routed to.
  return bindingOf(view)!.schema;
}
