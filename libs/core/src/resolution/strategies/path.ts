import { TenancyConfigurationError } from '../../errors/configuration.error.js';
import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

const PARAMETER = ':tenantId';

/**
 * `/tenants/:tenantId/…`; the segment is decoded once. The pattern is of the whole path, with any global
 * prefix and version; other `:names` in it stand for any segment.
 */
export function pathStrategy({ pattern = `/tenants/${PARAMETER}` } = {}): TenantResolutionStrategy {
  const segments = pattern.split('/').slice(1);
  const position = segments.indexOf(PARAMETER);
  const wellFormed = pattern.startsWith('/') && segments.every((segment) => segment !== '');
  if (!wellFormed || position < 0 || segments.indexOf(PARAMETER, position + 1) >= 0) {
    throw new TenancyConfigurationError(
      `pathStrategy: pattern '${pattern}' must start with /, contain ${PARAMETER} once, and have no empty segment.`,
    );
  }
  return {
    name: 'path',
    forgeable: true,
    resolve({ path }) {
      const actual = path.split('/').slice(1);
      const value = actual[position];
      if (!value || !segments.every((segment, i) => matches(segment, actual[i]))) return undefined;
      return parseTenantKey(decodeOnce(value), 'path');
    },
  };
}

/** As widely as any router: Express ignores case, Fastify decodes before it matches. */
function matches(segment: string, actual: string | undefined): boolean {
  if (!actual) return false;
  return segment.startsWith(':') || segment.toLowerCase() === decodeOnce(actual).toLowerCase();
}

function decodeOnce(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new TenantKeyMalformedError('path');
  }
}
