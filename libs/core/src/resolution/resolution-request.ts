import type { IncomingHttpHeaders } from 'node:http';
import { TenantKeyMalformedError } from '../registry/tenant-key.errors.js';
import { canonicalHost } from '../registry/tenant-key.js';

/** What strategies see of a request, the same on every HTTP adapter. */
export interface ResolutionRequest {
  /** Path as sent, not decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Values of one header in the order sent, never joined. */
  header(name: string): readonly string[];
  /**
   * Canonical host, from `X-Forwarded-Host` only if the peer is a trusted proxy. Worked out when first
   * asked for: a strange host is no matter to an application that resolves nothing from it.
   *
   * @throws {TenantKeyMalformedError} when the request contradicts itself, or names no host at all
   */
  readonly host: string | undefined;
  /** Claims of a token that has been verified; never of one that has only been decoded. */
  readonly claims: VerifiedClaims | undefined;
}

export type VerifiedClaims = Readonly<Record<string, unknown>>;

/** The few things of Node's request that Express and Fastify share. */
export interface HttpRequestLike {
  readonly url?: string | undefined;
  /** Express: the URL before a router cut its prefix off. */
  readonly originalUrl?: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders?: readonly string[];
  readonly socket?: { readonly remoteAddress?: string | undefined };
  /** Fastify: Node's own request. */
  readonly raw?: HttpRequestLike;
}

export function toResolutionRequest(
  request: HttpRequestLike,
  isTrustedProxy: (address: string) => boolean,
): ResolutionRequest {
  const raw = request.raw ?? request;
  const header = headerReader(raw);
  const target = splitTarget(request.originalUrl ?? raw.url ?? '/');
  return {
    path: target.path,
    query: new URLSearchParams(target.query),
    header,
    get host() {
      return hostOf(raw, header, target.authority, isTrustedProxy);
    },
    claims: undefined,
  };
}

export function urlToResolutionRequest(url: URL | string): ResolutionRequest {
  const { pathname, searchParams, host } = new URL(url);
  return {
    path: pathname,
    query: searchParams,
    header: () => [],
    host: canonicalHost(host),
    claims: undefined,
  };
}

/** The same request, once its token has been verified. */
export function withClaims(request: ResolutionRequest, claims: VerifiedClaims): ResolutionRequest {
  return Object.create(request, { claims: { value: claims, enumerable: true } }) as ResolutionRequest;
}

function headerReader(raw: HttpRequestLike): (name: string) => readonly string[] {
  return (name) => {
    const wanted = name.toLowerCase();
    if (raw.rawHeaders) {
      // Node joins or drops repeated headers in `headers`; only the raw list tells that there were two.
      return raw.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1]!.toLowerCase() === wanted);
    }
    const value = raw.headers[wanted];
    return value === undefined ? [] : Array.isArray(value) ? value : [value];
  };
}

/** Origin form (`/a?b`), or absolute form (`http://host/a?b`), which proxies and attackers may send. */
function splitTarget(target: string): { path: string; query: string; authority?: string } {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i.exec(target);
  const rest = absolute ? absolute[2]! : target;
  const [beforeHash] = rest.split('#', 1);
  const mark = beforeHash!.indexOf('?');
  const path = mark < 0 ? beforeHash! : beforeHash!.slice(0, mark);
  const query = mark < 0 ? '' : beforeHash!.slice(mark + 1);
  return { path: path === '' ? '/' : path, query, ...(absolute && { authority: absolute[1]! }) };
}

function hostOf(
  raw: HttpRequestLike,
  header: (name: string) => readonly string[],
  authority: string | undefined,
  isTrustedProxy: (address: string) => boolean,
): string | undefined {
  const peer = raw.socket?.remoteAddress;
  const forwarded = peer !== undefined && isTrustedProxy(peer) ? header('x-forwarded-host') : [];
  const named = forwarded.length > 0 ? forwarded : header('host');
  if (named.length > 1) throw new TenantKeyMalformedError('the host');
  if (named.length === 0) return undefined;
  const host = canonicalHost(named[0]!);
  const contradicted = authority !== undefined && forwarded.length === 0 && canonicalHost(authority) !== host;
  if (host === undefined || contradicted) throw new TenantKeyMalformedError('the host');
  return host;
}
