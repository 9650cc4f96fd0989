import { signTestToken } from '@tenantry/core/testing';

export const JWT = {
  key: { secret: 'a secret of the tests, which has 32 bytes and more' },
  issuer: 'tests',
  audience: 'sample',
} as const;

const inTenMinutes = () => Math.floor(Date.now() / 1000) + 600;

/** A good token of Ann; what is given replaces or, with `undefined`, removes claims. */
export function tokenWith(claims: Readonly<Record<string, unknown>> = {}): string {
  const whole = { sub: 'ann', iss: JWT.issuer, aud: JWT.audience, exp: inTenMinutes(), ...claims };
  return signTestToken(JWT.key.secret, whole);
}

export const operatorToken = (): string => tokenWith({ sub: 'olga', roles: ['operator'] });
