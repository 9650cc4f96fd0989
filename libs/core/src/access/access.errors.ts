import { TenancyError } from '../errors/tenancy.error.js';

export type UnauthenticatedReason =
  'token-missing' | 'token-invalid' | 'token-expired' | 'tenant-claim-malformed' | 'roles-claim-malformed';

/** No token, or one that proves nothing. Alike from outside; `reason` is for the log. */
export class UnauthenticatedError extends TenancyError {
  constructor(
    readonly reason: UnauthenticatedReason,
    cause?: unknown,
  ) {
    super({
      code: 'UNAUTHENTICATED',
      kind: 'unauthenticated',
      message: `Authentication failed: ${reason}.`,
      cause,
    });
  }
}

/** The token is good, but says nothing of a tenant where one is needed. */
export class TenantClaimMissingError extends TenancyError {
  constructor() {
    super({
      code: 'TENANT_CLAIM_MISSING',
      kind: 'unauthenticated',
      message: 'The token carries no tenant, and this route needs one.',
      publicMessage: 'This route needs a token for a tenant. Ask for one with a tenantId.',
    });
  }
}

/** Two places of one request name different tenants. Neither precedence nor a look-up decides between them. */
export class TenantMismatchError extends TenancyError {
  /** @param named what each place names, in canonical form, in order */
  constructor(readonly named: readonly { readonly strategy: string; readonly value: string }[]) {
    const list = named.map(({ strategy, value }) => `${strategy} '${value}'`).join(', ');
    super({
      code: 'TENANT_MISMATCH',
      kind: 'forbidden',
      message: `The request names different tenants: ${list}.`,
      publicMessage: 'The request names different tenants.',
    });
  }
}

export type TenantForbiddenReason =
  | 'unknown'
  | 'provisioning'
  | 'suspended'
  | 'archived'
  | 'failed'
  | 'not-a-member'
  | 'role-missing'
  | 'not-an-operator';

/** The tenant may not be used by this caller. Unknown, suspended and foreign look alike from outside. */
export class TenantForbiddenError extends TenancyError {
  /**
   * @param who for the log
   * - `tenant`: id, slug or domain that has passed the grammar of its kind
   * - `user`: the verified token's `sub`
   */
  constructor(
    readonly reason: TenantForbiddenReason,
    who: { readonly tenant?: string | undefined; readonly user?: string | undefined } = {},
  ) {
    // `sub` may be any text: as JSON it stays on one line of the log.
    const to = who.tenant === undefined ? 'the route' : `tenant '${who.tenant}'`;
    const user = who.user === undefined ? '' : ` for user ${JSON.stringify(who.user)}`;
    super({
      code: 'TENANT_FORBIDDEN',
      kind: 'forbidden',
      message: `Access to ${to} is refused${user}: ${reason}.`,
      publicMessage: 'You have no access to this tenant.',
    });
  }
}

/** A handler of a transport that has no way yet to carry a tenant. */
export class TransportUnsupportedError extends TenancyError {
  constructor(readonly transport: string) {
    super({
      code: 'TENANT_TRANSPORT_UNSUPPORTED',
      kind: 'internal',
      message: `Handlers of transport '${transport}' carry no tenant. Mark them @Public() if they need none.`,
    });
  }
}
