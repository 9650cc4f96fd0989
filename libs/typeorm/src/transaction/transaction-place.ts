import type { DataSource } from 'typeorm';
import { bindingOf } from '../datasource/view-binding.js';

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

export function schemaOf(view: DataSource): string {
  // Every view has a binding, but for those of schemas that are still being made; those are never routed to.
  return bindingOf(view)!.schema;
}
