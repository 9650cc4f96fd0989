import { createHmac } from 'node:crypto';

/**
 * A JSON Web Token signed with HS256, for tests that need a caller; and for tests that need a bad one, since
 * nothing of it is checked or filled in.
 *
 * @param claims the whole payload; an application's tokens need at least `sub`, `iss`, `aud` and `exp`
 * @param header default `{ alg: 'HS256', typ: 'JWT' }`; the signature stays HS256 whatever it says
 * @example
 * signTestToken(secret, { sub: 'ann', iss: 'shop', aud: 'shop-api', exp: inAnHour, tenant_id: tenant.id })
 */
export function signTestToken(
  secret: string | Buffer,
  claims: unknown,
  header: Readonly<Record<string, unknown>> = { alg: 'HS256', typ: 'JWT' },
): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
