import { TenancyConfigurationError, TenantContext, type Tenant } from '@tenantry/core';
import { QueryFailedError, type EntityManager, type QueryRunner } from 'typeorm';
import { createBinding, type Binding } from '../binding/binding.js';
import { bindingError } from '../binding/bound-statement.js';
import {
  resolveTenantDataSourceOptions,
  type IsolationOptions,
} from '../datasource/tenant-data-source.options.js';
import { bindingOf } from '../datasource/view-binding.js';
import { SessionBoundElsewhereError, SessionNotInTransactionError } from './apply-tenant-context.errors.js';

/** What foreign runners were bound to; whether they still are is the server's to say. */
const applied = new WeakMap<QueryRunner, Binding>();

/**
 * Binds a session that is not one of ours to a tenant, until its transaction ends: path and role as a routed data
 * source would have them. For data sources of somebody else on the same server, whose login was granted the tenants'
 * roles. Doing it again for the same tenant does nothing.
 *
 * A savepoint that is rolled back takes a binding made inside of it along: bind at the top of the transaction.
 *
 * @param session in an open transaction; of a routed data source, it is bound already, and only checked
 * @param tenant default: the one in force
 * @param isolation as given to `TenantryTypeOrmModule`; level `role` unless told otherwise
 * @throws {SessionNotInTransactionError} outside of a transaction, also when only TypeORM believes in one
 * @throws {SessionBoundElsewhereError} when it is bound to another tenant
 * @throws {TenantSchemaMissingError | TenantRoleUnusableError} and the transaction has failed then
 * @throws {TenantContextMissingError} when no tenant is given and none in force
 * @example
 * await reporting.transaction(async (manager) => {
 *   await applyTenantContext(manager, tenant);
 *   return manager.query('SELECT * FROM orders');
 * });
 */
export async function applyTenantContext(
  session: QueryRunner | EntityManager,
  tenant: Pick<Tenant, 'schema'> = TenantContext.require('applyTenantContext()'),
  isolation: IsolationOptions = {},
): Promise<void> {
  const binding = bindingFor(tenant.schema, isolation);
  const runner = 'createQueryBuilder' in session ? session.queryRunner : session;
  if (!runner || runner.isReleased || !runner.isTransactionActive) throw new SessionNotInTransactionError();
  const bound = bindingOf(runner.dataSource) ?? (await stillApplied(runner));
  if (bound) {
    if (bound.schema !== binding.schema) throw new SessionBoundElsewhereError(binding.schema, bound.schema);
    return;
  }
  await bind(runner, binding);
  // Outside of a transaction it would be gone already, and what comes next run as the login, in its own path.
  if (!(await isBoundTo(runner, binding))) throw new SessionNotInTransactionError();
  applied.set(runner, binding);
}

function bindingFor(schema: string, input: IsolationOptions): Binding {
  const { isolation } = resolveTenantDataSourceOptions({ isolation: input });
  const { level, centralSchema, extensionSchemas } = isolation;
  if (schema === centralSchema || extensionSchemas.includes(schema))
    throw new TenancyConfigurationError(`Schema '${schema}' is everybody's, and cannot be a tenant's own.`);
  return createBinding(schema, level === 'role' ? schema : undefined, extensionSchemas);
}

async function stillApplied(runner: QueryRunner): Promise<Binding | undefined> {
  const binding = applied.get(runner);
  return binding && (await isBoundTo(runner, binding)) ? binding : undefined;
}

async function bind(runner: QueryRunner, binding: Binding): Promise<void> {
  const { searchPath, role, schema } = binding;
  const [sql, params] =
    role === undefined
      ? [`SELECT set_config('search_path', $1, true), $2::regnamespace`, [searchPath, `"${schema}"`]]
      : [
          `SELECT set_config('search_path', $1, true), set_config('role', $2, true), $3::regnamespace`,
          [searchPath, role, `"${schema}"`],
        ];
  try {
    await runner.query(sql, params);
  } catch (error) {
    throw error instanceof QueryFailedError ? bindingError(error.driverError as Error, binding) : error;
  }
}

async function isBoundTo(runner: QueryRunner, { searchPath, role }: Binding): Promise<boolean> {
  const [now] = (await runner.query(
    `SELECT current_setting('search_path') AS path, current_setting('role') AS role`,
  )) as [{ path: string; role: string }];
  return now.path === searchPath && (role === undefined || now.role === role);
}
