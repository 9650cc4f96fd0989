import { TenancyError } from '../errors/tenancy.error.js';

/** Something asked for a tenant where none is in force. Nothing was read or written. */
export class TenantContextMissingError extends TenancyError {
  constructor(
    what = 'The tenant',
    readonly state: 'none' | 'central' = 'none',
  ) {
    super({
      code: 'TENANT_CONTEXT_MISSING',
      kind: 'internal',
      message:
        state === 'central'
          ? `${what} was needed inside TenantContext.runCentral(), which has no tenant on purpose. ` +
            'Enter one with TenantContext.run(tenant, fn).'
          : `${what} was needed outside of any tenant context. Run the code inside TenantContext.run(tenant, fn) ` +
            '(requests get this from TenancyModule), or inside TenantContext.runCentral(fn) if it has no tenant on purpose.',
    });
  }
}

/** A request's tenant was about to be set a second time: a scope is filled once. */
export class TenantAlreadyResolvedError extends TenancyError {
  constructor() {
    super({
      code: 'TENANT_ALREADY_RESOLVED',
      kind: 'internal',
      message:
        'The scope of this request already has its tenant. Use TenantContext.run(tenant, fn) to work for another one.',
    });
  }
}
