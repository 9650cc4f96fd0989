import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

/** `X-Tenant-ID: <id or slug>`; sent twice is malformed. */
export function headerStrategy({ header = 'X-Tenant-ID' } = {}): TenantResolutionStrategy {
  return {
    name: 'header',
    forgeable: true,
    resolve(request) {
      const values = request.header(header);
      if (values.length === 0) return undefined;
      if (values.length > 1) throw new TenantKeyMalformedError('header');
      return parseTenantKey(values[0], 'header');
    },
  };
}
