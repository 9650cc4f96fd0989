import { TenancyConfigurationError, type Tenant } from '@tenantry/core';
import type { DataSource } from 'typeorm';
import { createBinding, type Binding } from '../binding/binding.js';
import { statementTimeoutOf, type TenantPoolOptions } from '../pool/tenant-pool.options.js';
import type { IsolationOptions, ResolvedTenantDataSourceOptions } from './tenant-data-source.options.js';
import { viewMaker, type ViewMaker } from './tenant-view.js';

/**
 * Hands out views: genuine `DataSource`s pinned to one schema, sharing the base's metadata and pool. They
 * need no connection and about 2 KB, ignore the tenant in force, and remain valid as long as they are held.
 *
 * @example
 * const rows = await factory.forTenant(tenant).getRepository(Campaign).find();
 */
export class TenantDataSourceFactory {
  /** In order of last use, oldest first. */
  readonly #views = new Map<string, DataSource>();
  #make: ViewMaker | undefined;
  readonly #pool: TenantPoolOptions;
  private readonly isolation: Readonly<Required<IsolationOptions>>;

  constructor(
    private readonly base: DataSource,
    options: ResolvedTenantDataSourceOptions,
  ) {
    this.isolation = options.isolation;
    this.#pool = options.pool;
  }

  /** @throws {TenancyConfigurationError} for a placement or schema that cannot be a tenant's */
  forTenant(tenant: Pick<Tenant, 'schema' | 'placement' | 'tier'>): DataSource {
    if (tenant.placement.cluster !== 'default') {
      throw new TenancyConfigurationError(
        `No cluster '${tenant.placement.cluster}' is configured; there is only 'default'.`,
      );
    }
    this.#refuseShared(tenant.schema);
    return this.#viewOf(tenant.schema, tenant.tier);
  }

  /** The schema of the registry and of the application's central tables. */
  central(): DataSource {
    return this.forSchema(this.isolation.centralSchema);
  }

  /** @throws {TenancyConfigurationError} for a name that cannot be a schema of ours */
  forSchema(schema: string): DataSource {
    return this.#viewOf(schema, undefined);
  }

  /**
   * A view of a tenant's schema that may not exist yet: it believes in the schema, but its connections are not
   * bound to it. For whoever creates the schema and sets the path inside the same transaction.
   *
   * @throws {TenancyConfigurationError} for a name that cannot be a tenant's schema
   */
  forNewSchema(schema: string): { readonly view: DataSource; readonly searchPath: string } {
    this.#refuseShared(schema);
    const binding = this.#bindingOf(schema);
    return { view: this.#maker()(binding, { bound: false }), searchPath: binding.searchPath };
  }

  #viewOf(schema: string, tier: string | undefined): DataSource {
    const timeoutMs = statementTimeoutOf(this.#pool, tier);
    // A tenant that changes its tier gets another view; the old one ages out.
    const key = timeoutMs === undefined ? schema : `${schema} ${timeoutMs}`;
    const known = this.#views.get(key);
    if (known) this.#views.delete(key);
    const view = known ?? this.#maker()(this.#bindingOf(schema, timeoutMs));
    this.#views.set(key, view);
    if (this.#views.size > this.isolation.maxViews) {
      const [oldest] = this.#views.keys();
      this.#views.delete(oldest!);
    }
    return view;
  }

  #maker(): ViewMaker {
    return (this.#make ??= viewMaker(this.base));
  }

  #bindingOf(schema: string, statementTimeoutMs?: number): Binding {
    return createBinding(schema, this.#roleOf(schema), this.isolation.extensionSchemas, statementTimeoutMs);
  }

  #refuseShared(schema: string): void {
    const { centralSchema, extensionSchemas } = this.isolation;
    if (schema === centralSchema || extensionSchemas.includes(schema)) {
      throw new TenancyConfigurationError(`Schema '${schema}' is everybody's, and cannot be a tenant's own.`);
    }
  }

  #roleOf(schema: string): string | undefined {
    if (this.isolation.level === 'path') return undefined;
    return schema === this.isolation.centralSchema ? this.isolation.centralRole : schema;
  }
}
