import type { HttpRequestLike } from '../../src/resolution/resolution-request.js';

interface RequestParts {
  readonly url?: string;
  /** In the order sent; names may repeat. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Address of the peer. */
  readonly peer?: string;
}

/** What Node would hand over for such a request. */
export function nodeRequestLike({
  url = '/',
  headers = [],
  peer = '203.0.113.9',
}: RequestParts = {}): HttpRequestLike {
  return { url, headers: {}, rawHeaders: headers.flat(), socket: { remoteAddress: peer } };
}
