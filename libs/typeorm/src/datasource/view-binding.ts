import type { DataSource } from 'typeorm';
import type { Binding } from '../binding/binding.js';

/** The binding of a view; of no other data source. */
export function bindingOf(dataSource: DataSource): Binding | undefined {
  return (dataSource.driver as { binding?: Binding }).binding;
}
