import { TenancyConfigurationError } from '../../errors/configuration.error.js';
import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { canonicalHost, isReservedSlug, parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

/**
 * `<slug>.<base domain>`: exactly one label before an exact base domain. Reserved labels (`www`, `api`, …)
 * and other hosts name no tenant; deeper ones are malformed.
 */
export function subdomainStrategy({
  baseDomains,
}: {
  baseDomains: readonly string[];
}): TenantResolutionStrategy {
  const suffixes = baseDomains.map((domain) => {
    const host = canonicalHost(domain);
    if (host === undefined || host !== domain) {
      throw new TenancyConfigurationError(
        `subdomainStrategy: base domain '${domain}' must be a host name in lower case without port.`,
      );
    }
    return `.${host}`;
  });
  if (suffixes.length === 0)
    throw new TenancyConfigurationError('subdomainStrategy needs at least one base domain.');
  return {
    name: 'subdomain',
    forgeable: false,
    resolve({ host }) {
      const suffix = host && suffixes.find((candidate) => host.endsWith(candidate));
      if (!suffix) return undefined;
      const label = host.slice(0, -suffix.length);
      if (label.includes('.')) throw new TenantKeyMalformedError('subdomain');
      return isReservedSlug(label) ? undefined : parseTenantKey(label, 'subdomain');
    },
  };
}
