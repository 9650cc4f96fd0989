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
   * @throws {TenantKeyMalformedError} when the request contradicts itself, or what it names is no host
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

/** Node's own request, the same object whichever wrapper an adapter hands out. */
export function nodeRequest<R extends HttpRequestLike>(request: R): HttpRequestLike {
  // Middlewares of Express like to keep the raw body under `raw`; a request has headers.
  return request.raw?.headers ? request.raw : request;
}

/** @throws {TenantKeyMalformedError} when routers could read the request's target in more than one way */
export function toResolutionRequest(
  request: HttpRequestLike,
  isTrustedProxy: (address: string) => boolean,
): ResolutionRequest {
  const raw = nodeRequest(request);
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

/** @throws {TenantKeyMalformedError} for text that is no absolute URL */
export function urlToResolutionRequest(url: URL | string): ResolutionRequest {
  if (!URL.canParse(String(url))) throw new TenantKeyMalformedError('the URL');
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

/**
 * Origin form (`/a?b`), or absolute form (`http://host/a?b`), which proxies and attackers may send.
 * Routers disagree on where the path of anything else begins and ends (a `#`, a `\\`, an authority that is
 * no host), so that the path checked here would not be the path served.
 */
const TARGET =
  /^(?:https?:\/\/(?<authority>(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d*)?))?(?<path>\/[^?#\\]*)(?:\?(?<query>[^#]*))?$/i;

function splitTarget(target: string): { path: string; query: string; authority: string | undefined } {
  const parts = TARGET.exec(target)?.groups;
  if (!parts) throw new TenantKeyMalformedError('the request target');
  return { path: parts['path']!, query: parts['query'] ?? '', authority: parts['authority'] };
}

function hostOf(
  raw: HttpRequestLike,
  header: (name: string) => readonly string[],
  authority: string | undefined,
  isTrustedProxy: (address: string) => boolean,
): string | undefined {
  const peer = raw.socket?.remoteAddress;
  const forwarded = peer !== undefined && isTrustedProxy(peer) ? header('x-forwarded-host') : [];
  // HTTP/2 names the host in `:authority`; a `host` header beside it must agree, as must an absolute target.
  const sent = [...header('host'), ...header(':authority'), ...(authority === undefined ? [] : [authority])];
  const named = forwarded.length > 0 ? forwarded : sent;
  if (named.length === 0) return undefined;
  const hosts = new Set(named.map(canonicalHost));
  const [host] = hosts;
  const repeated = forwarded.length > 1 || header('host').length > 1;
  if (host === undefined || hosts.size > 1 || repeated) throw new TenantKeyMalformedError('the host');
  return host;
}
