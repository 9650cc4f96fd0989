import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

/** What comes before the brackets; `[a]` is another way to write `a` for parsers that know brackets. */
const ROOT = /^\[?([^[\]]*)/;

/** `?tenant_id=<id or slug>`; repeated or in array or object form is malformed. */
export function queryStrategy({ parameter = 'tenant_id' } = {}): TenantResolutionStrategy {
  return {
    name: 'query',
    forgeable: true,
    resolve({ query }) {
      const names = [...query.keys()].filter((name) => ROOT.exec(name)?.[1] === parameter);
      if (names.length === 0) return undefined;
      if (names.length > 1 || names[0] !== parameter) throw new TenantKeyMalformedError('query');
      return parseTenantKey(query.get(parameter), 'query');
    },
  };
}
