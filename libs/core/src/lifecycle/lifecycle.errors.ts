import { TenancyError } from '../errors/tenancy.error.js';
import type { TenantStatus } from '../registry/tenant-record.js';

/** The slug or a domain belongs to another tenant already. */
export class TenantTakenError extends TenancyError {
  constructor(
    readonly what: 'slug' | 'domain',
    cause?: unknown,
  ) {
    super({
      code: what === 'slug' ? 'TENANT_SLUG_TAKEN' : 'TENANT_DOMAIN_TAKEN',
      kind: 'conflict',
      message: `The ${what} belongs to another tenant.`,
      publicMessage: `This ${what} is taken. Choose another one.`,
      cause,
    });
  }
}

/** There is no tenant with this id, for an operator who may know. */
export class TenantNotFoundError extends TenancyError {
  constructor(readonly tenantId: string) {
    super({
      code: 'TENANT_NOT_FOUND',
      kind: 'not-found',
      message: `There is no tenant '${tenantId}'.`,
      publicMessage: 'There is no such tenant.',
    });
  }
}

/** The tenant's status does not allow this. */
export class TenantTransitionError extends TenancyError {
  constructor(
    readonly from: TenantStatus,
    readonly to: TenantStatus,
  ) {
    super({
      code: 'TENANT_STATUS_CONFLICT',
      kind: 'conflict',
      message: `A tenant that is ${from} cannot become ${to}.`,
      publicMessage: `The tenant is ${from}; it cannot become ${to}.`,
    });
  }
}
