import { TenancyError } from '../errors/tenancy.error.js';

/** A text that was to name a tenant is neither an id nor a slug. It was not looked up. */
export class TenantKeyMalformedError extends TenancyError {
  /** @param source where it came from, such as `header`; the text itself is not repeated */
  constructor(readonly source: string) {
    super({
      code: 'TENANT_ID_MALFORMED',
      kind: 'invalid',
      message: `The tenant named by ${source} is neither a UUID nor a slug (a-z, 0-9, inner hyphens, at most 63), or is named more than once.`,
      publicMessage:
        'Name one tenant, by its UUID or by its slug: a-z, 0-9 and inner hyphens, at most 63 characters, no reserved word such as admin or public.',
    });
  }
}
