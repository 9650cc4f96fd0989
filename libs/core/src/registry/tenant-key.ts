import { domainToASCII } from 'node:url';
import { TenantKeyMalformedError } from './tenant-key.errors.js';

/** How a caller names a tenant: by its id or by its slug. Made by {@link parseTenantKey} only. */
export interface TenantKey {
  readonly by: 'id' | 'slug';
  readonly value: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** A DNS label, so that every slug can be a subdomain: 1 to 63 of a-z, 0-9 and inner hyphens. */
const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_LABEL = SLUG;

/** Names with a meaning of their own to DNS, PostgreSQL or JavaScript. */
const RESERVED_SLUGS: ReadonlySet<string> = new Set(
  [
    'admin api app assets auth central console docs health mail metrics',
    'operator static status support system tenantry www',
    'postgres public template0 template1 all any default none null undefined',
    'constructor prototype',
  ].flatMap((names) => names.split(' ')),
);

export function isTenantId(value: string): boolean {
  return UUID.test(value);
}

/** Whether `value` may name a tenant; one canonical case, ASCII only, never anything that reads as an id. */
export function isTenantSlug(value: string): boolean {
  return SLUG.test(value) && !UUID.test(value) && !RESERVED_SLUGS.has(value);
}

export function isReservedSlug(value: string): boolean {
  return RESERVED_SLUGS.has(value);
}

/**
 * @param source where the text came from, for the log
 * @throws {TenantKeyMalformedError} for anything but a UUID or a slug, before it comes near SQL, keys or paths
 */
export function parseTenantKey(value: unknown, source: string): TenantKey {
  if (typeof value !== 'string') throw new TenantKeyMalformedError(source);
  // Ids are compared in one case; a slug in another case is another text, and refused.
  const id = value.toLowerCase();
  if (isTenantId(id)) return { by: 'id', value: id };
  if (isTenantSlug(value)) return { by: 'slug', value };
  throw new TenantKeyMalformedError(source);
}

/**
 * The one form of a host name: lower case, ASCII (punycode), no port, no trailing dot.
 * `undefined` for text that is no host name; IP addresses are host names here.
 */
export function canonicalHost(host: string): string | undefined {
  const literal = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(host);
  if (literal) return `[${literal[1]!.toLowerCase()}]`;
  const match = /^([^\s:/?#@\\[\]%]+?)\.?(?::\d{1,5})?$/.exec(host);
  if (!match) return undefined;
  const ascii = domainToASCII(match[1]!).toLowerCase();
  if (ascii === '' || ascii.length > 253) return undefined;
  return ascii.split('.').every((label) => DNS_LABEL.test(label)) ? ascii : undefined;
}
