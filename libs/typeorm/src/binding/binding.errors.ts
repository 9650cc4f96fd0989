import { TenancyError } from '@tenantry/core';

/** The tenant's schema does not exist on this server. The statement was not run. */
export class TenantSchemaMissingError extends TenancyError {
  constructor(
    readonly schema: string,
    cause: unknown,
  ) {
    super({
      code: 'TENANT_SCHEMA_MISSING',
      kind: 'unavailable',
      message: `Schema '${schema}' does not exist. Provision the tenant, or remove it from the registry.`,
      cause,
    });
  }
}

/** The login cannot take the role its statements have to run as. The statement was not run. */
export class TenantRoleUnusableError extends TenancyError {
  constructor(
    readonly role: string | undefined,
    cause: unknown,
  ) {
    super({
      code: 'TENANT_ROLE_UNUSABLE',
      kind: 'unavailable',
      message: `The runtime login cannot take role '${role}': it does not exist, or was not granted to the login.`,
      cause,
    });
  }
}

/** The binding itself failed for another reason. The statement was not run. */
export class BindingFailedError extends TenancyError {
  constructor(
    readonly schema: string,
    cause: unknown,
  ) {
    super({
      code: 'TENANT_BINDING_FAILED',
      kind: 'unavailable',
      message: `A statement could not be bound to schema '${schema}': ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    });
  }
}

/** COMMIT was answered with ROLLBACK: the transaction had failed before, and nothing of it was kept. */
export class TransactionRolledBackError extends TenancyError {
  constructor() {
    super({
      code: 'TRANSACTION_ROLLED_BACK',
      kind: 'internal',
      message:
        'COMMIT was answered with ROLLBACK: a statement of the transaction had failed and its error was swallowed. Nothing was saved.',
    });
  }
}

/** A connection, runner or stream was used after it had been given back. Nothing reached the server. */
export class LeaseReleasedError extends TenancyError {
  constructor() {
    super({
      code: 'LEASE_RELEASED',
      kind: 'internal',
      message:
        'This connection has been released already. Await every query before releasing its query runner.',
    });
  }
}

/** A kind of query that cannot be bound in one batch was sent outside of a transaction. */
export class UnboundSubmittableError extends TenancyError {
  constructor(kind: string) {
    super({
      code: 'QUERY_KIND_UNSUPPORTED',
      kind: 'internal',
      message: `A query of class '${kind}' cannot carry its tenant by itself. Start a transaction and run a statement in it first.`,
    });
  }
}

/** The statement needs a session of its own, and a transaction pooler gives none. It was not sent. */
export class SessionNeededError extends TenancyError {
  constructor() {
    super({
      code: 'SESSION_NEEDED',
      kind: 'internal',
      message:
        'This statement leaves state on its session, or must run outside of any transaction (SET, LISTEN, temporary tables, ' +
        'VACUUM, CALL, DO, …), which a transaction pooler cannot carry. Run it on a direct connection.',
    });
  }
}
