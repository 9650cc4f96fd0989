import { TenancyConfigurationError } from '../../errors/configuration.error.js';
import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { canonicalHost, isReservedSlug, parseTenantKey } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

/**
 * `<slug>.<base domain>`: exactly one label before an exact base domain. Base domains themselves, reserved
 * labels (`www`, `api`, …) and other hosts name no tenant; deeper ones are malformed.
 */
export function subdomainStrategy({
  baseDomains,
}: {
  baseDomains: readonly string[];
}): TenantResolutionStrategy {
  for (const domain of baseDomains) {
    if (canonicalHost(domain) !== domain) {
      throw new TenancyConfigurationError(
        `subdomainStrategy: base domain '${domain}' must be a host name in lower case without port.`,
      );
    }
  }
  if (baseDomains.length === 0)
    throw new TenancyConfigurationError('subdomainStrategy needs at least one base domain.');
  // One base domain may lie below another (`example.com`, `eu.example.com`): the longest is meant.
  const bases = baseDomains.toSorted((a, b) => b.length - a.length);
  return {
    name: 'subdomain',
    forgeable: false,
    resolve({ host }) {
      const base = bases.find((domain) => host === domain || host?.endsWith(`.${domain}`));
      if (!host || !base || host === base) return undefined;
      const label = host.slice(0, -base.length - 1);
      if (label.includes('.')) throw new TenantKeyMalformedError('subdomain');
      return isReservedSlug(label) ? undefined : parseTenantKey(label, 'subdomain');
    },
  };
}
