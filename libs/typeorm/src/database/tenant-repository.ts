import { Inject, type Type } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import { TenancyConfigurationError } from '@tenantry/core';
import { Repository, type EntityManager, type EntityTarget, type ObjectLiteral } from 'typeorm';
import { TenantDataSource } from '../datasource/tenant-data-source.js';
import { bindingOf } from '../datasource/view-binding.js';

/** A repository class of one entity, to extend. */
export type TenantRepositoryClass<Entity extends ObjectLiteral> = new (
  dataSource: TenantDataSource,
  manager?: EntityManager,
) => Repository<Entity>;

/**
 * Base class of an application's own repositories: TypeORM's, with methods of its own. A plain singleton that follows
 * the tenant in force and its transaction.
 *
 * It is a function of the entity, so that a subclass without dependencies needs no constructor. One that has some
 * takes the data source first: `constructor(@InjectDataSource() dataSource: TenantDataSource, …) { super(dataSource) }`.
 *
 * @example
 * \@Injectable()
 * export class Orders extends TenantRepository(Order) {
 *   findOpen(): Promise<Order[]> {
 *     return this.findBy({ status: 'open' });
 *   }
 * }
 */
export function TenantRepository<Entity extends ObjectLiteral>(
  entity: EntityTarget<Entity>,
): TenantRepositoryClass<Entity> {
  class RepositoryOfTenant extends Repository<Entity> {
    // TypeORM's manager.withRepository() makes a copy, with its own manager behind.
    constructor(dataSource: TenantDataSource, manager?: EntityManager) {
      super(entity, manager ?? managerOf(dataSource));
    }
  }
  Inject(getDataSourceToken() as Type)(RepositoryOfTenant, undefined, 0);
  return RepositoryOfTenant;
}

/** Any other data source would answer as well: with nobody's rows, everybody's, or always the same tenant's. */
function managerOf(dataSource: unknown): EntityManager {
  // A view is made after its base, and is one by its prototype.
  if (dataSource instanceof TenantDataSource && !bindingOf(dataSource)) return dataSource.manager;
  throw new TenancyConfigurationError(
    'A TenantRepository needs the data source of TenantryTypeOrmModule as its first argument: ' +
      'constructor(@InjectDataSource() dataSource: TenantDataSource) { super(dataSource) }',
  );
}
