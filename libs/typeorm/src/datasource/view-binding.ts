import type { DataSource } from 'typeorm';
import type { Binding } from '../binding/binding.js';
import type { TenantPool } from '../pool/tenant-pool.js';

/** The binding of a view; of no other data source. */
export function bindingOf(dataSource: DataSource): Binding | undefined {
  return (dataSource.driver as { binding?: Binding }).binding;
}

/** The pool under an initialised data source of ours, which all of its views share. */
export function poolOf(dataSource: DataSource): TenantPool {
  return (dataSource.driver as unknown as { master: TenantPool }).master;
}
