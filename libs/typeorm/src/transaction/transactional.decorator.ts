import { Inject } from '@nestjs/common';
import { TenancyConfigurationError } from '@tenantry/core';
import { TenantTransactions } from './tenant-transactions.js';
import type { TransactionOptions } from './transaction.options.js';

/** Where Nest puts the transactions of the application that made the instance. */
const TRANSACTIONS = Symbol('tenantry.transactions');

type AsyncMethod<A extends unknown[], R> = (...args: A) => Promise<R>;

/**
 * Runs a method of a provider or controller as `TenantTransactions.run()` does, in the tenant in force at the call.
 * Methods have to be asynchronous, and their class made by Nest.
 *
 * @example
 * \@Transactional({ isolationLevel: 'SERIALIZABLE', retries: 3 })
 * async place(order: Order): Promise<void> {
 *   await this.orders.save(order);
 *   await this.stock.take(order.lines);
 * }
 */
export function Transactional(options: TransactionOptions = {}) {
  return <A extends unknown[], R>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<AsyncMethod<A, R>>,
  ): void => {
    Inject(TenantTransactions)(target, TRANSACTIONS);
    const method = descriptor.value!;
    async function inTransaction(this: { [TRANSACTIONS]?: TenantTransactions }, ...args: A): Promise<R> {
      const transactions = this[TRANSACTIONS];
      if (!transactions) throw notMadeByNest(target, name);
      return transactions.run(() => method.apply(this, args), options);
    }
    descriptor.value = likeMethod(inTransaction, method);
  };
}

/** What decorators below this one said about the method (routes, guards) holds for the one that takes its place. */
function likeMethod<M extends object>(replacement: M, method: { readonly name: string }): M {
  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), replacement);
  }
  return Object.defineProperty(replacement, 'name', { value: method.name, configurable: true });
}

function notMadeByNest(target: object, name: string | symbol): TenancyConfigurationError {
  return new TenancyConfigurationError(
    `${target.constructor.name}.${String(name)}() is @Transactional(), but this object was not made by Nest in a module ` +
      'that can see TenantryTypeOrmModule. Provide the class, or call TenantTransactions.run().',
  );
}
