import { TenantContextMissingError } from '@tenantry/core';
import type { QueryRunner } from 'typeorm';
import type { QueryResultCache } from 'typeorm/cache/QueryResultCache.js';
import type { QueryResultCacheOptions } from 'typeorm/cache/QueryResultCacheOptions.js';
import { bindingOf } from './tenant-view.js';

/**
 * TypeORM keys cached results by SQL, which is the same for all tenants. This puts the schema of the query
 * runner into every key, and lets one tenant clear its own entries only.
 */
export class TenantResultCache implements QueryResultCache {
  /** Part of each schema's keys; moving on makes all older entries unreachable, to expire by themselves. */
  readonly #generations = new Map<string, number>();

  constructor(private readonly inner: QueryResultCache) {}

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

  /** @throws {TenantContextMissingError} without a query runner of the tenant whose entries are meant */
  async clear(queryRunner?: QueryRunner): Promise<void> {
    const schema = schemaOf(queryRunner);
    this.#generations.set(schema, (this.#generations.get(schema) ?? 0) + 1);
  }

  /** @throws {TenantContextMissingError} without a query runner of the tenant whose entries are meant */
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
    const schema = schemaOf(queryRunner);
    return `${schema}:${this.#generations.get(schema) ?? 0}:`;
  }
}

function schemaOf(queryRunner: QueryRunner | undefined): string {
  const schema = queryRunner && bindingOf(queryRunner.dataSource)?.schema;
  if (schema === undefined) throw new TenantContextMissingError('The query result cache');
  return schema;
}
