import { generateKeyPairSync } from 'node:crypto';
import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { headerStrategy } from '../resolution/strategies/header.js';
import { jwtClaimStrategy } from '../resolution/strategies/jwt-claim.js';
import { resolveAccessOptions } from './access.options.js';
import { resolveJwtAccessOptions, type JwtAccessOptions, type JwtKey } from './jwt-access.options.js';

const SECRET = 'x'.repeat(32);
const pem = (key: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer }) =>
  String(key.export({ type: 'spki', format: 'pem' }));
const rsa = (modulusLength: number) => pem(generateKeyPairSync('rsa', { modulusLength }).publicKey);
const RSA = rsa(2048);
const P256 = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);

const withKey = (key: object, more: Partial<JwtAccessOptions> = {}): JwtAccessOptions => ({
  key: key as JwtKey,
  issuer: 'shop',
  audience: 'shop-api',
  ...more,
});

describe('resolveJwtAccessOptions', () => {
  it('fills in the defaults', () => {
    expect(resolveJwtAccessOptions(withKey({ secret: SECRET }))).toMatchObject({
      algorithms: ['HS256'],
      rolesClaim: 'roles',
      operatorRole: 'operator',
      clockToleranceSeconds: 5,
    });
  });

  it.each([
    { secret: 'x'.repeat(48), algorithms: ['HS256', 'HS384'] },
    { secret: 'ä'.repeat(16) },
    { publicKey: RSA, algorithms: ['RS256', 'PS512'] },
    { publicKey: P256, algorithms: ['ES256'] },
  ])('takes a key with algorithms of its family (%#)', (key) => {
    expect(() => resolveJwtAccessOptions(withKey(key))).not.toThrow();
  });

  it.each([
    ['a missing secret', { secret: undefined }, 'secret is not set'],
    ['an empty secret', { secret: '' }, 'less than 32 bytes'],
    ['a short secret', { secret: 'x'.repeat(31) }, 'less than 32 bytes'],
    [
      'a secret shorter than its hash',
      { secret: SECRET, algorithms: ['HS256', 'HS512'] },
      'less than 64 bytes',
    ],
    ['a public key as a secret', { secret: RSA }, 'PEM'],
    ['a secret with RS256', { secret: SECRET, algorithms: ['RS256'] }, 'HS256, HS384 or HS512 only'],
    [
      'a secret with both families',
      { secret: SECRET, algorithms: ['HS256', 'RS256'] },
      'HS256, HS384 or HS512 only',
    ],
    ['a secret with none', { secret: SECRET, algorithms: ['none'] }, 'HS256, HS384 or HS512 only'],
    ['a secret without algorithms', { secret: SECRET, algorithms: [] }, 'HS256, HS384 or HS512 only'],
    ['an RSA key of 1024 bit', { publicKey: rsa(1024), algorithms: ['RS256'] }, '1024 bit'],
    ['a public key with HS256', { publicKey: RSA, algorithms: ['HS256'] }, 'HS256 does not go with'],
    [
      'a public key with both families',
      { publicKey: RSA, algorithms: ['RS256', 'HS256'] },
      'HS256 does not go with',
    ],
    ['an RSA key with ES256', { publicKey: RSA, algorithms: ['RS256', 'ES256'] }, 'ES256 does not go with'],
    ['a curve with RS256', { publicKey: P256, algorithms: ['RS256'] }, 'RS256 does not go with'],
    [
      'a curve with the algorithm of another',
      { publicKey: P256, algorithms: ['ES384'] },
      'ES384 does not go with',
    ],
    ['a public key with none', { publicKey: RSA, algorithms: ['none'] }, 'none does not go with'],
    ['a public key without algorithms', { publicKey: RSA, algorithms: [] }, 'an empty list'],
    [
      'a key of a kind without algorithm',
      { publicKey: pem(generateKeyPairSync('ed25519').publicKey), algorithms: ['ES256'] },
      'ed25519',
    ],
    ['text that is no key', { publicKey: 'nothing', algorithms: ['RS256'] }, 'not a PEM public key'],
  ])('refuses %s', (_, key, message) => {
    const resolve = () => resolveJwtAccessOptions(withKey(key));
    expect(resolve).toThrow(TenancyConfigurationError);
    expect(resolve).toThrow(message);
  });

  it.each([
    { issuer: '' },
    { audience: '' },
    { clockToleranceSeconds: -1 },
    { clockToleranceSeconds: 301 },
    { clockToleranceSeconds: NaN },
  ])('refuses %j', (more) => {
    expect(() => resolveJwtAccessOptions(withKey({ secret: SECRET }, more))).toThrow(
      TenancyConfigurationError,
    );
  });

  it('never puts the secret into a message', () => {
    const secret = 'hunter2';
    expect(() => resolveJwtAccessOptions(withKey({ secret }))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });
});

describe('resolveAccessOptions', () => {
  const jwt = withKey({ secret: SECRET });
  const membership = { rolesOf: async () => [] };
  const unproven = () => resolveAccessOptions({ kind: 'jwt', jwt }, [headerStrategy()]);

  it('refuses to believe a name without any proof, and says what could prove it', () => {
    expect(unproven).toThrow(TenancyConfigurationError);
    expect(unproven).toThrow(/by header\. Add jwtClaimStrategy\(\).*access\.membership.*trusted-network/);
  });

  it.each([
    ['a claim', { kind: 'jwt', jwt } as const, [headerStrategy(), jwtClaimStrategy()]],
    ['a membership', { kind: 'jwt', jwt, membership } as const, [headerStrategy()]],
    ['a network that is trusted', { kind: 'trusted-network' } as const, [headerStrategy()]],
  ])('takes %s for a proof', (_, input, strategies) => {
    expect(resolveAccessOptions(input, strategies).kind).toBe(input.kind);
  });

  it('refuses a weak key', () => {
    const weak = withKey({ secret: 'x' });
    expect(() => resolveAccessOptions({ kind: 'jwt', jwt: weak }, [jwtClaimStrategy()])).toThrow('32 bytes');
  });
});
