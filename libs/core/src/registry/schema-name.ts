import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { isTenantId } from './tenant-key.js';

/** PostgreSQL cuts longer identifiers off, silently: NAMEDATALEN - 1 bytes. */
const MAX_IDENTIFIER_BYTES = 63;
const SCHEMA = /^[a-z_][a-z0-9_]*$/;

/**
 * The schema of a tenant: `tenant_` and the id with `-` as `_`. Injective, 43 bytes.
 *
 * @throws {TenancyConfigurationError} for anything but a UUID in lower case
 */
export function schemaNameFor(tenantId: string): string {
  if (!isTenantId(tenantId))
    throw new TenancyConfigurationError('A schema name is made of a UUID in lower case only.');
  return `tenant_${tenantId.replaceAll('-', '_')}`;
}

/**
 * Whether a name can be a schema of ours: lower case ASCII, at most 63 bytes, and nothing PostgreSQL gives a
 * meaning of its own (`pg_…`, `public`, `information_schema`; `$user` does not match the grammar).
 */
export function isSchemaName(name: string): boolean {
  return (
    SCHEMA.test(name) &&
    name.length <= MAX_IDENTIFIER_BYTES &&
    !name.startsWith('pg_') &&
    name !== 'public' &&
    name !== 'information_schema' &&
    name !== 'none'
  );
}
