import { TenancyError } from '@tenantry/core';

/** A schema of the tenant's name is there already and is somebody else's. Nothing was changed. */
export class TenantSchemaForeignError extends TenancyError {
  constructor(
    readonly schema: string,
    readonly owner: string,
  ) {
    super({
      code: 'TENANT_SCHEMA_FOREIGN',
      kind: 'conflict',
      message:
        `Schema '${schema}' exists and belongs to '${owner}', not to the login that provisions. Nothing was changed. ` +
        `If it is this tenant's: ALTER SCHEMA "${schema}" OWNER TO <the admin login>.`,
    });
  }
}

/** A role of the tenant's name is there already and can do more than a tenant's role. Nothing was changed. */
export class TenantRoleForeignError extends TenancyError {
  constructor(readonly role: string) {
    super({
      code: 'TENANT_ROLE_FOREIGN',
      kind: 'conflict',
      message:
        `Role '${role}' exists, and may log in, has attributes, or is a member of other roles: it is no tenant's. ` +
        'Nothing was changed. Rename the role, or take these rights from it.',
    });
  }
}
