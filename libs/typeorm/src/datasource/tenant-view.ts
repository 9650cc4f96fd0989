import { DataSource } from 'typeorm';
import { RelationIdLoader } from 'typeorm/query-builder/RelationIdLoader.js';
import { RelationLoader } from 'typeorm/query-builder/RelationLoader.js';
import { TenancyConfigurationError } from '@tenantry/core';
import type { Binding } from '../binding/binding.js';
import { ViewEntityManager } from './lazy-relations.js';
import type { TenantLease } from '../pool/tenant-lease.js';
import type { TenantPool } from '../pool/tenant-pool.js';
import type { TenantResultCache } from './tenant-result-cache.js';

/** The parts of TypeORM's PostgreSQL driver that a view replaces. */
interface PostgresDriverLike {
  dataSource: DataSource;
  schema: string;
  searchSchema: string;
  master: TenantPool;
  binding: Binding | undefined;
  obtainMasterConnection(): Promise<[TenantLease, TenantLease['release']]>;
}

/** Makes views of one base; what all of them share is made once, so that a view itself is a few fields. */
export type ViewMaker = (binding: Binding, options?: { readonly bound: boolean }) => DataSource;

/**
 * A view is a genuine `DataSource` pinned to a schema: metadata, options and pool are the base's, by
 * prototype; the driver facade, the manager and the relation loaders are its own, since TypeORM reaches
 * the connection through them.
 */
export function viewMaker(base: DataSource): ViewMaker {
  const driverOfViews = Object.create(base.driver, {
    obtainMasterConnection: { value: obtainLease },
    obtainSlaveConnection: { value: obtainLease },
    disconnect: { value: async () => {} },
  }) as PostgresDriverLike;
  const { createQueryRunner, synchronize, dropDatabase, runMigrations, undoLastMigration, showMigrations } =
    Object.getOwnPropertyDescriptors(DataSource.prototype);
  const prototype = Object.create(base, {
    // The base routes these by context; a view does what TypeORM does, on itself.
    createQueryRunner,
    synchronize,
    dropDatabase,
    runMigrations,
    undoLastMigration,
    showMigrations,
    initialize: { value: returnSelf },
    // The pool is everybody's; a view owns nothing that could be closed.
    destroy: { value: async () => {} },
    setOptions: { value: refuseOptions },
    // Made when first asked for: most views only ever make query runners.
    manager: lazily('manager', (view) => new ViewEntityManager(view)),
    relationLoader: lazily('relationLoader', (view) => new RelationLoader(view)),
    relationIdLoader: lazily('relationIdLoader', (view) => new RelationIdLoader(view as never)),
    queryResultCache: lazily('queryResultCache', (view) =>
      (base.queryResultCache as TenantResultCache | undefined)?.of(view),
    ),
  }) as DataSource;

  return (binding, { bound } = { bound: true }) => {
    const view = Object.create(prototype) as { driver: object };
    const driver = Object.create(driverOfViews) as PostgresDriverLike;
    driver.dataSource = view as unknown as DataSource;
    // TypeORM compares table names with these to tell own tables from foreign ones (migrations, DDL).
    driver.schema = binding.schema;
    driver.searchSchema = binding.schema;
    driver.binding = bound ? binding : undefined;
    view.driver = driver;
    return view as unknown as DataSource;
  };
}

function obtainLease(this: PostgresDriverLike): Promise<[TenantLease, TenantLease['release']]> {
  return this.master.lease(this.binding).then((lease) => [lease, lease.release]);
}

async function returnSelf(this: DataSource): Promise<DataSource> {
  return this;
}

function refuseOptions(): never {
  throw new TenancyConfigurationError('setOptions() on a view would change the options of every tenant.');
}

function lazily<K extends 'manager' | 'relationLoader' | 'relationIdLoader' | 'queryResultCache'>(
  name: K,
  make: (view: DataSource) => DataSource[K] | object | undefined,
): PropertyDescriptor {
  return {
    configurable: true,
    get(this: DataSource) {
      const value = make(this);
      Object.defineProperty(this, name, { value, writable: true, configurable: true });
      return value;
    },
  };
}
