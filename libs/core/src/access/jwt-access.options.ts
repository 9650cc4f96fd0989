import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { TenancyConfigurationError } from '../errors/configuration.error.js';

export type SymmetricAlgorithm = 'HS256' | 'HS384' | 'HS512';
export type AsymmetricAlgorithm =
  'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** One key and the algorithms of its family: a token cannot choose how it is checked. */
export type JwtKey =
  | {
      /** Shared secret of at least 32 bytes; 48 for HS384, 64 for HS512. */
      readonly secret: string;
      /** Default `['HS256']`. */
      readonly algorithms?: readonly [SymmetricAlgorithm, ...SymmetricAlgorithm[]];
    }
  | {
      /** PEM: RSA of at least 2048 bit for RS and PS, or the curve of the ES algorithm. */
      readonly publicKey: string;
      readonly algorithms: readonly [AsymmetricAlgorithm, ...AsymmetricAlgorithm[]];
    };

export interface JwtAccessOptions {
  readonly key: JwtKey;
  /** `iss` every token must have. */
  readonly issuer: string;
  /** `aud` every token must have. */
  readonly audience: string;
  /** Claim with the roles, an array of strings. Default `roles`. */
  readonly rolesClaim?: string;
  /** Role that opens `@Central()` routes to a token without a tenant. Default `operator`. */
  readonly operatorRole?: string;
  /** Tolerated difference of clocks, in seconds, 0 to 300. Default 5. */
  readonly clockToleranceSeconds?: number;
}

export interface ResolvedJwtAccessOptions {
  readonly key: KeyObject;
  readonly algorithms: readonly (SymmetricAlgorithm | AsymmetricAlgorithm)[];
  readonly issuer: string;
  readonly audience: string;
  readonly rolesClaim: string;
  readonly operatorRole: string;
  readonly clockToleranceSeconds: number;
}

const MIN_RSA_BITS = 2048;
/** Curve of each ES algorithm, by OpenSSL's name. @see RFC 7518, 3.4 */
const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

/** @throws {TenancyConfigurationError} for weak keys, mixed families and missing `issuer` or `audience` */
export function resolveJwtAccessOptions(input: JwtAccessOptions): ResolvedJwtAccessOptions {
  const {
    issuer,
    audience,
    rolesClaim = 'roles',
    operatorRole = 'operator',
    clockToleranceSeconds = 5,
  } = input;
  if (!issuer || !audience)
    throw new TenancyConfigurationError('access.jwt needs an issuer and an audience.');
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300)) {
    throw new TenancyConfigurationError('access.jwt.clockToleranceSeconds must be between 0 and 300.');
  }
  return Object.freeze({
    ...('secret' in input.key ? symmetric(input.key) : asymmetric(input.key)),
    issuer,
    audience,
    rolesClaim,
    operatorRole,
    clockToleranceSeconds,
  });
}

type ResolvedKey = Pick<ResolvedJwtAccessOptions, 'key' | 'algorithms'>;

function symmetric({ secret, algorithms = ['HS256'] }: Extract<JwtKey, { secret: string }>): ResolvedKey {
  if (typeof secret !== 'string') {
    throw new TenancyConfigurationError(
      'access.jwt.key.secret is not set. Make one with: openssl rand -base64 48',
    );
  }
  if (algorithms.length === 0 || algorithms.some((algorithm) => !/^HS(?:256|384|512)$/.test(algorithm))) {
    throw new TenancyConfigurationError(
      'access.jwt.key.algorithms: a secret goes with HS256, HS384 or HS512 only.',
    );
  }
  if (secret.includes('-----BEGIN')) {
    throw new TenancyConfigurationError(
      'access.jwt.key.secret is a PEM text, which others may have. Give a public key as access.jwt.key.publicKey.',
    );
  }
  // RFC 7518, 3.2: a key at least as long as the hash.
  const minBytes = Math.max(...algorithms.map((algorithm) => Number(algorithm.slice(2)) / 8));
  if (Buffer.byteLength(secret) < minBytes) {
    throw new TenancyConfigurationError(
      `access.jwt.key.secret has less than ${minBytes} bytes. Make one with: openssl rand -base64 48`,
    );
  }
  return { key: createSecretKey(secret, 'utf8'), algorithms };
}

function asymmetric({ publicKey, algorithms }: Extract<JwtKey, { publicKey: string }>): ResolvedKey {
  let key: KeyObject;
  try {
    key = createPublicKey(publicKey);
  } catch (error) {
    throw new TenancyConfigurationError('access.jwt.key.publicKey is not a PEM public key.', error);
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < MIN_RSA_BITS) {
    throw new TenancyConfigurationError(
      `access.jwt.key.publicKey has ${bits} bit; at least ${MIN_RSA_BITS} are needed.`,
    );
  }
  const stray = algorithms.find((algorithm) => !goesWith(algorithm, key));
  if (stray !== undefined || algorithms.length === 0) {
    throw new TenancyConfigurationError(
      `access.jwt.key.algorithms: ${stray ?? 'an empty list'} does not go with a public key of type ${key.asymmetricKeyType}. ` +
        'RSA keys go with RS and PS algorithms, elliptic curves with the ES algorithm of their curve.',
    );
  }
  return { key, algorithms };
}

/** Other types of key have no algorithm here. */
function goesWith(algorithm: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'rsa') return /^[RP]S(?:256|384|512)$/.test(algorithm);
  if (asymmetricKeyType === 'rsa-pss') return /^PS(?:256|384|512)$/.test(algorithm);
  return Object.hasOwn(CURVES, algorithm) && CURVES[algorithm] === asymmetricKeyDetails?.namedCurve;
}
