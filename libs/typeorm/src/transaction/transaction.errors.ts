import { TenancyError } from '@tenantry/core';

/** Something needs a transaction, and none is current for the tenant in force. Nothing was run. */
export class TransactionMissingError extends TenancyError {
  constructor(what: string) {
    super({
      code: 'TRANSACTION_MISSING',
      kind: 'internal',
      message:
        `${what} needs a transaction, and none is current for the tenant in force; those of other tenants do not count. ` +
        'Call it from inside @Transactional() or TenantTransactions.run().',
    });
  }
}

/** `propagation: 'never'` met a transaction. Nothing was run. */
export class TransactionPresentError extends TenancyError {
  constructor() {
    super({
      code: 'TRANSACTION_PRESENT',
      kind: 'internal',
      message: "Code with propagation 'never' was called inside a transaction of the tenant in force.",
    });
  }
}

/** A transaction, or a nested one, was used after its end. Nothing reached the server. */
export class TransactionEndedError extends TenancyError {
  constructor() {
    super({
      code: 'TRANSACTION_ENDED',
      kind: 'internal',
      message:
        'The transaction that this code belongs to has ended already. Await everything that is started inside of it; ' +
        "what is meant to outlive it runs with propagation 'not-supported' or 'requires-new'.",
    });
  }
}

/** A transaction was used where another tenant, or none, is in force. Nothing reached the server. */
export class TransactionOfOtherTenantError extends TenancyError {
  constructor(
    /** Schema that the transaction is bound to. */
    readonly schema: string,
    /** Schema in force; `undefined` without a context. */
    readonly schemaInForce: string | undefined,
  ) {
    super({
      code: 'TRANSACTION_OF_OTHER_TENANT',
      kind: 'internal',
      message:
        `A transaction of schema '${schema}' was used where ${schemaInForce === undefined ? 'no tenant' : `schema '${schemaInForce}'`} is in force. ` +
        'Use its manager only in the context it was started in; in here, repositories and TenantDatabase are already the right ones.',
    });
  }
}

/** A call asked for other properties than those of the transaction it would join. Nothing was run. */
export class TransactionOptionsConflictError extends TenancyError {
  constructor(asked: string, running: string) {
    super({
      code: 'TRANSACTION_OPTIONS_CONFLICT',
      kind: 'internal',
      message: `A transaction that is ${running} cannot be joined as ${asked}. Ask for it where the transaction starts, or use propagation 'requires-new'.`,
    });
  }
}

/** A transaction was about to be committed while one nested in it was still running. It was rolled back. */
export class NestedTransactionOpenError extends TenancyError {
  constructor() {
    super({
      code: 'NESTED_TRANSACTION_OPEN',
      kind: 'internal',
      message:
        'A nested transaction was still running when the one around it was about to be committed, which was rolled back instead. ' +
        'Await every nested transaction, and end those of one query runner in reverse order.',
    });
  }
}
