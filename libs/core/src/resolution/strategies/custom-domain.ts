import { isIP } from 'node:net';
import { TenancyConfigurationError } from '../../errors/configuration.error.js';
import { canonicalHost } from '../../registry/tenant-key.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';

/**
 * A host that a tenant brought itself, looked up in the registry.
 *
 * @param ownHosts hosts of the platform, and their subdomains, which name no tenant this way; `localhost`
 * and IP addresses never do
 */
export function customDomainStrategy({
  ownHosts = [],
}: { ownHosts?: readonly string[] } = {}): TenantResolutionStrategy {
  for (const host of ownHosts) {
    if (canonicalHost(host) !== host) {
      throw new TenancyConfigurationError(
        `customDomainStrategy: own host '${host}' must be a host name in lower case without port.`,
      );
    }
  }
  const own = ['localhost', ...ownHosts];
  return {
    name: 'custom-domain',
    forgeable: false,
    resolve({ host }) {
      if (host === undefined || host.startsWith('[') || isIP(host) !== 0) return undefined;
      if (own.some((known) => host === known || host.endsWith(`.${known}`))) return undefined;
      return { by: 'domain', value: host };
    },
  };
}
