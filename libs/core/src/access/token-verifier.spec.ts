import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import fc from 'fast-check';
import { signTestToken } from '../testing/sign-test-token.js';
import { UnauthenticatedError } from './access.errors.js';
import { resolveJwtAccessOptions, type JwtAccessOptions, type JwtKey } from './jwt-access.options.js';
import { bearerToken, TokenVerifier } from './token-verifier.js';

const SECRET = randomBytes(32).toString('base64');
const nowSeconds = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: 'ann', iss: 'shop', aud: 'shop-api', exp: nowSeconds + 600, roles: ['editor'] };

const verifierWith = (key: JwtKey, more: Partial<JwtAccessOptions> = {}) =>
  new TokenVerifier(resolveJwtAccessOptions({ key, issuer: 'shop', audience: 'shop-api', ...more }));
const verifier = verifierWith({ secret: SECRET });

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const RSA_PEM = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signRs256(claims: object, key: KeyObject, header: object = { alg: 'RS256' }): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

/** Tokens that are good but for one thing. */
const hs256 = (claims: object = {}, header: object = {}) =>
  signTestToken(SECRET, { ...CLAIMS, ...claims }, { alg: 'HS256', typ: 'JWT', ...header });

const refusal = (reason: string) => expect.objectContaining({ constructor: UnauthenticatedError, reason });

async function expectRefused(token: string, reason = 'token-invalid', by = verifier): Promise<void> {
  await expect(by.verify(token)).rejects.toEqual(refusal(reason));
}

describe('TokenVerifier', () => {
  it('tells who calls', async () => {
    const principal = await verifier.verify(hs256({ tenant_id: 'acme' }));
    expect(principal).toMatchObject({ userId: 'ann', roles: ['editor'], claims: { tenant_id: 'acme' } });
    expect([principal, principal.roles, principal.claims].every((p) => Object.isFrozen(p))).toBe(true);
  });

  it('takes tokens of a key pair, one of several audiences, and a token without roles', async () => {
    const byPublicKey = verifierWith({ publicKey: RSA_PEM, algorithms: ['RS256'] });
    const claims = { ...CLAIMS, aud: ['other', 'shop-api'], roles: undefined };
    await expect(byPublicKey.verify(signRs256(claims, rsa.privateKey))).resolves.toMatchObject({ roles: [] });
  });

  it('reads roles from the claim it was told', async () => {
    const named = verifierWith({ secret: SECRET }, { rolesClaim: 'groups' });
    await expect(named.verify(hs256({ groups: ['admin'] }))).resolves.toMatchObject({ roles: ['admin'] });
  });

  const unsigned = (alg: string) => `${part({ alg, typ: 'JWT' })}.${part(CLAIMS)}.`;
  const [head = '', body = '', signature = ''] = hs256().split('.');

  it.each([
    ['algorithm none', unsigned('none')],
    ['algorithm nOnE', unsigned('nOnE')],
    ['algorithm NONE and a signature', hs256({}, { alg: 'NONE' })],
    ['its signature stripped', `${head}.${body}.`],
    ['its signature and the last dot stripped', `${head}.${body}`],
    ['its signature cut short', `${head}.${body}.${signature.slice(0, -2)}`],
    ['other claims under its signature', `${head}.${part({ ...CLAIMS, sub: 'eve' })}.${signature}`],
    ['another algorithm of its family', hs256({}, { alg: 'HS512' })],
    ['no algorithm', signTestToken(SECRET, CLAIMS, { typ: 'JWT' })],
    ['an algorithm that is a list', hs256({}, { alg: ['HS256'] })],
    ['another secret', signTestToken(randomBytes(32), CLAIMS)],
    ['an empty secret', signTestToken('', CLAIMS)],
    ['an extension it must understand', hs256({}, { crit: ['exp'] })],
    ['an unknown extension', hs256({}, { crit: ['x-unknown'], 'x-unknown': 1 })],
    ['an empty list of extensions', hs256({}, { crit: [] })],
    ['another audience', hs256({ aud: 'other-api' })],
    ['no audience', hs256({ aud: undefined })],
    ['another issuer', hs256({ iss: 'evil' })],
    ['a list of issuers', hs256({ iss: ['shop'] })],
    ['no issuer', hs256({ iss: undefined })],
    ['no expiry', hs256({ exp: undefined })],
    ['an expiry that is text', hs256({ exp: String(CLAIMS.exp) })],
    ['no expiry but null', hs256({ exp: null })],
    ['a start in the future', hs256({ nbf: nowSeconds + 60 })],
    ['a start that is text', hs256({ nbf: 'now' })],
    ['no subject', hs256({ sub: undefined })],
    ['an empty subject', hs256({ sub: '' })],
    ['a subject that is a number', hs256({ sub: 7 })],
    ['a list for claims', signTestToken(SECRET, [CLAIMS])],
    ['a text for claims', signTestToken(SECRET, 'ann')],
    ['null for claims', signTestToken(SECRET, null)],
    ['a number for claims', signTestToken(SECRET, 7)],
    ['10 kB', hs256({ padding: 'x'.repeat(10_000) })],
    ['no dots', 'abc'],
    ['four parts', `${hs256()}.x`],
    ['no JSON', 'a.b.c'],
    ['nothing', ''],
  ])('refuses a token with %s', async (_, token) => {
    await expectRefused(token);
  });

  it('refuses an expired token, for a reason of its own, and tolerates clocks that differ a little', async () => {
    await expectRefused(hs256({ exp: nowSeconds - 60 }), 'token-expired');
    const lenient = verifierWith({ secret: SECRET }, { clockToleranceSeconds: 120 });
    await expect(lenient.verify(hs256({ exp: nowSeconds - 60 }))).resolves.toBeDefined();
    const strict = verifierWith({ secret: SECRET }, { clockToleranceSeconds: 0 });
    await expectRefused(hs256({ exp: nowSeconds }), 'token-expired', strict);
  });

  it.each([['admin'], [{ 0: 'admin', length: 1 }], [[1]], [[['admin']]], [['admin', null]], [1]])(
    'refuses the roles %j',
    async (roles) => {
      await expectRefused(hs256({ roles }), 'roles-claim-malformed');
    },
  );

  it('refuses HS256 with the public key for a secret, whatever its bytes', async () => {
    const byPublicKey = verifierWith({ publicKey: RSA_PEM, algorithms: ['RS256', 'PS256'] });
    const secrets = [
      RSA_PEM,
      RSA_PEM.trim(),
      rsa.publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(rsa.publicKey.export({ format: 'jwk' })),
    ];
    for (const secret of secrets)
      await expectRefused(signTestToken(secret, CLAIMS), 'token-invalid', byPublicKey);
  });

  it('takes no key from a token, and reads no file and opens no connection for one', async () => {
    const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = attacker.publicKey.export({ format: 'jwk' });
    const byPublicKey = verifierWith({ publicKey: RSA_PEM, algorithms: ['RS256'] });
    const reaching = [
      jest.spyOn(fs, 'readFileSync'),
      jest.spyOn(fs, 'readFile'),
      jest.spyOn(fs, 'openSync'),
      jest.spyOn(fs, 'open'),
      jest.spyOn(fs, 'createReadStream'),
      jest.spyOn(fs.promises, 'readFile'),
      jest.spyOn(net.Socket.prototype, 'connect'),
      jest.spyOn(http, 'request'),
      jest.spyOn(globalThis, 'fetch'),
    ];
    const headers = [
      { jwk },
      { jku: 'https://evil.test/jwks.json', kid: '1' },
      { x5u: 'https://evil.test/cert.pem' },
      { x5c: ['MIIB'] },
      { kid: '../../../dev/null' },
      { kid: "' UNION SELECT 'key" },
      { kid: 'x'.repeat(4_000) },
    ];
    for (const header of headers) {
      await expectRefused(
        signRs256(CLAIMS, attacker.privateKey, { alg: 'RS256', ...header }),
        'token-invalid',
        byPublicKey,
      );
      await expectRefused(signTestToken('', CLAIMS, { alg: 'HS256', ...header }));
    }
    for (const reach of reaching) expect(reach).not.toHaveBeenCalled();
    jest.restoreAllMocks();
  });

  it('answers whatever it is given with a principal or a refusal', async () => {
    const noise = fc.array(fc.base64String(), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, fc.string({ unit: 'binary' })), (token) => expectRefused(token)),
      { numRuns: 300 },
    );
  });

  it('says nothing of a token in its error, only why', async () => {
    await expect(verifier.verify(hs256({ aud: 'secret-audience' }))).rejects.toMatchObject({
      message: 'Authentication failed: token-invalid.',
      publicMessage: 'A valid access token is required.',
    });
  });
});

describe('bearerToken', () => {
  it.each(['Bearer abc.d-e_f.g~h+/=', 'bearer abc', 'BEARER   abc  '])('reads %j', (value) => {
    expect(bearerToken([value])).toMatch(/^abc/);
  });

  it('is undefined where there is no such header', () => {
    expect(bearerToken([])).toBeUndefined();
  });

  it.each([
    [['']],
    [['abc']],
    [['Basic abc']],
    [['Bearer']],
    [['Bearer ']],
    [['Bearer a b']],
    [['Bearer a, Bearer b']],
    [['Bearer a=b']],
    [['Bearer a', 'Bearer a']],
  ])('refuses %j', (values) => {
    expect(() => bearerToken(values)).toThrow(refusal('token-invalid'));
  });
});
