import { BlockList, isIP } from 'node:net';
import { TenancyConfigurationError } from '../errors/configuration.error.js';

/**
 * @param entries addresses or CIDR ranges, such as `10.0.0.0/8` or `::1`
 * @throws {TenancyConfigurationError} for an entry that is neither
 */
export function trustedProxyTest(entries: readonly string[] = []): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry);
  return (address) => {
    // IPv4 peers of a dual-stack socket come as ::ffff:a.b.c.d
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const bits = Number(prefix);
  const inRange = prefix === undefined || (/^\d+$/.test(prefix) && bits <= (family === 4 ? 32 : 128));
  if (family === 0 || !inRange || rest.length > 0) {
    throw new TenancyConfigurationError(
      `resolution.trustedProxies: '${entry}' is neither an address nor a CIDR range such as 10.0.0.0/8.`,
    );
  }
  if (prefix === undefined) list.addAddress(address, type);
  else list.addSubnet(address, bits, type);
}
