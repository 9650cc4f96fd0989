import { TenancyConfigurationError } from '../../errors/configuration.error.js';
import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

const PARAMETER = ':tenantId';

/** `/tenants/:tenantId/…`; the segment is decoded once. */
export function pathStrategy({ pattern = `/tenants/${PARAMETER}` } = {}): TenantResolutionStrategy {
  const segments = pattern.split('/').slice(1);
  const position = segments.indexOf(PARAMETER);
  if (!pattern.startsWith('/') || position < 0) {
    throw new TenancyConfigurationError(
      `pathStrategy: pattern '${pattern}' must start with / and contain ${PARAMETER}.`,
    );
  }
  return {
    name: 'path',
    forgeable: true,
    resolve({ path }) {
      const actual = path.split('/').slice(1);
      const matches = segments.every((segment, i) => segment === PARAMETER || segment === actual[i]);
      const value = actual[position];
      if (!matches || value === undefined || value === '') return undefined;
      return parseTenantKey(decodeOnce(value), 'path');
    },
  };
}

function decodeOnce(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new TenantKeyMalformedError('path');
  }
}
