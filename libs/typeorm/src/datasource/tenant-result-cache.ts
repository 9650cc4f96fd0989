import { TenantContextMissingError } from '@tenantry/core';
import type { DataSource, QueryRunner } from 'typeorm';
import type { QueryResultCache } from 'typeorm/cache/QueryResultCache.js';
import type { QueryResultCacheOptions } from 'typeorm/cache/QueryResultCacheOptions.js';
import { bindingOf } from './view-binding.js';

/**
 * TypeORM keys cached results by SQL, which is the same for all tenants. This puts the schema of the query
 * runner into every key, and lets one tenant clear its own entries only.
 */
export class TenantResultCache implements QueryResultCache {
  constructor(
    private readonly inner: QueryResultCache,
    /** The view whose entries are meant by a call without a query runner, such as an application's `clear()`. */
    private readonly currentView: () => DataSource | undefined,
    /**
     * Part of each schema's keys; moving on makes all older entries unreachable, to expire by themselves.
     * Known to this process only: others still see what they cached.
     */
    private readonly generations = new Map<string, number>(),
  ) {}

  /** The same cache as a pinned view sees it. */
  of(view: DataSource): TenantResultCache {
    return new TenantResultCache(this.inner, () => view, this.generations);
  }

  connect(): Promise<void> {
    return this.inner.connect();
  }

  disconnect(): Promise<void> {
    return this.inner.disconnect();
  }

  synchronize(queryRunner?: QueryRunner): Promise<void> {
    return this.inner.synchronize(queryRunner);
  }

  async getFromCache(
    options: QueryResultCacheOptions,
    queryRunner?: QueryRunner,
  ): Promise<QueryResultCacheOptions | undefined> {
    return this.inner.getFromCache(this.#scoped(options, queryRunner), queryRunner);
  }

  async storeInCache(
    options: QueryResultCacheOptions,
    saved: QueryResultCacheOptions | undefined,
    queryRunner?: QueryRunner,
  ): Promise<void> {
    return this.inner.storeInCache(this.#scoped(options, queryRunner), saved, queryRunner);
  }

  isExpired(saved: QueryResultCacheOptions): boolean {
    return this.inner.isExpired(saved);
  }

  /**
   * Forgets what is cached for one tenant: the one of the query runner, else the one in force.
   *
   * @throws {TenantContextMissingError} when there is neither
   */
  async clear(queryRunner?: QueryRunner): Promise<void> {
    const schema = this.#schemaOf(queryRunner);
    this.generations.set(schema, (this.generations.get(schema) ?? 0) + 1);
  }

  /** @throws {TenantContextMissingError} when there is neither a query runner nor a tenant in force */
  async remove(identifiers: string[], queryRunner?: QueryRunner): Promise<void> {
    const prefix = this.#prefix(queryRunner);
    return this.inner.remove(
      identifiers.map((identifier) => prefix + identifier),
      queryRunner,
    );
  }

  #scoped(options: QueryResultCacheOptions, queryRunner: QueryRunner | undefined): QueryResultCacheOptions {
    const prefix = this.#prefix(queryRunner);
    const { identifier, query } = options;
    // Schema names hold no colon, so the prefix ends where it seems to.
    return {
      ...options,
      query: prefix + (query ?? ''),
      ...(identifier && { identifier: prefix + identifier }),
    };
  }

  #prefix(queryRunner: QueryRunner | undefined): string {
    const schema = this.#schemaOf(queryRunner);
    return `${schema}:${this.generations.get(schema) ?? 0}:`;
  }

  #schemaOf(queryRunner: QueryRunner | undefined): string {
    const view = queryRunner?.dataSource ?? this.currentView();
    const schema = view && bindingOf(view)?.schema;
    if (schema === undefined) throw new TenantContextMissingError('The query result cache');
    return schema;
  }
}
