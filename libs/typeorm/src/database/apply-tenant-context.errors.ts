import { TenancyError } from '@tenantry/core';

/** A session was to be bound to a tenant outside of a transaction, where the binding would end at once or never. */
export class SessionNotInTransactionError extends TenancyError {
  constructor() {
    super({
      code: 'SESSION_NOT_IN_TRANSACTION',
      kind: 'internal',
      message:
        'applyTenantContext() needs a query runner, or the manager of one, in an open transaction: the binding ends with it. ' +
        'Call startTransaction() first, or use it inside dataSource.transaction().',
    });
  }
}

/** A session that is bound to one tenant was to be bound to another. It stays as it was. */
export class SessionBoundElsewhereError extends TenancyError {
  constructor(
    readonly schema: string,
    readonly boundTo: string,
  ) {
    super({
      code: 'SESSION_BOUND_ELSEWHERE',
      kind: 'internal',
      message: `A session that is bound to schema '${boundTo}' cannot be bound to '${schema}'. Use another query runner.`,
    });
  }
}
