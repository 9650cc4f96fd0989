import { TenantContext, type Tenant } from '@tenantry/core';
import type { TenantDataSource } from '../datasource/tenant-data-source.js';
import type { TenantTransactions } from '../transaction/tenant-transactions.js';
import type { TransactionOptions } from '../transaction/transaction.options.js';
import { SqlStatements } from './sql-statements.js';

/** SQL of one context, with its transactions. */
export interface TenantSql extends SqlStatements {
  /**
   * As `TenantTransactions.run()`: everything inside takes part, and the context is that of this object. What `fn` is
   * given belongs to the transaction and works nowhere else.
   */
  transaction<T>(fn: (sql: SqlStatements) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

/** Runs `fn` in a context; the one in force, or a certain one. */
type ContextEntry = <T>(fn: () => T) => T;

/**
 * SQL beside repositories, in the tenant in force: a plain singleton. Inside a transaction of that tenant its calls
 * take part in it.
 *
 * @example
 * const open = await database.query<{ id: number }>('SELECT id FROM orders WHERE status = $1', ['open']);
 * await database.transaction(async (sql) => {
 *   await sql.execute('UPDATE stock SET amount = amount - 1 WHERE id = $1', [id]);
 *   await orders.save(order); // part of it as well
 * });
 */
export class TenantDatabase extends SqlStatements implements TenantSql {
  readonly #dataSource: TenantDataSource;
  readonly #transactions: TenantTransactions;
  readonly #enter: ContextEntry;

  constructor(
    dataSource: TenantDataSource,
    transactions: TenantTransactions,
    enter: ContextEntry = (fn) => fn(),
  ) {
    super((use) =>
      enter(async () => {
        const runner = dataSource.createQueryRunner();
        try {
          return await use(runner);
        } finally {
          await runner.release();
        }
      }),
    );
    this.#dataSource = dataSource;
    this.#transactions = transactions;
    this.#enter = enter;
  }

  transaction<T>(fn: (sql: SqlStatements) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#enter(() =>
      this.#transactions.run(async (manager) => {
        const { queryRunner } = manager;
        // Without one, the propagation asked for no transaction.
        return fn(queryRunner ? new SqlStatements((use) => use(queryRunner)) : this.#in((work) => work()));
      }, options),
    );
  }

  /**
   * The same for this tenant, whoever is in force: for work across tenants, which may see all of them. Its
   * transactions enter the tenant. A transaction of that tenant that is current further out is joined.
   */
  forTenant(tenant: Tenant): TenantSql {
    return this.#in((fn) => TenantContext.run(tenant, fn));
  }

  /**
   * The same for the central schema, whoever is in force. This leaves the tenant on purpose: what it reads and writes
   * belongs to the platform, and is not part of the tenant's transaction.
   */
  system(): TenantSql {
    return this.#in((fn) => TenantContext.runCentral(fn));
  }

  #in(enter: ContextEntry): TenantDatabase {
    return new TenantDatabase(this.#dataSource, this.#transactions, enter);
  }
}
