import { createPublicKey, type KeyObject } from 'node:crypto';
import { TenancyConfigurationError } from '../errors/configuration.error.js';

export type SymmetricAlgorithm = 'HS256' | 'HS384' | 'HS512';
export type AsymmetricAlgorithm =
  'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** One key and the algorithms of its family: a token cannot choose how it is checked. */
export type JwtKey =
  | {
      /** Shared secret of at least 32 bytes. */
      readonly secret: string;
      /** Default `['HS256']`. */
      readonly algorithms?: readonly [SymmetricAlgorithm, ...SymmetricAlgorithm[]];
    }
  | {
      /** PEM. RSA keys of at least 2048 bit. */
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
  readonly key: string | KeyObject;
  readonly algorithms: readonly (SymmetricAlgorithm | AsymmetricAlgorithm)[];
  readonly issuer: string;
  readonly audience: string;
  readonly rolesClaim: string;
  readonly operatorRole: string;
  readonly clockToleranceSeconds: number;
}

const MIN_SECRET_BYTES = 32;
const MIN_RSA_BITS = 2048;

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
  if (algorithms.some((algorithm) => !algorithm.startsWith('HS'))) {
    throw new TenancyConfigurationError(
      'access.jwt.key.algorithms: a secret goes with HS256, HS384 or HS512 only.',
    );
  }
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    throw new TenancyConfigurationError(
      `access.jwt.key.secret has less than ${MIN_SECRET_BYTES} bytes. Make one with: openssl rand -base64 48`,
    );
  }
  return { key: secret, algorithms };
}

function asymmetric({ publicKey, algorithms }: Extract<JwtKey, { publicKey: string }>): ResolvedKey {
  if (algorithms.length === 0 || algorithms.some((algorithm) => !/^(?:RS|PS|ES)/.test(algorithm))) {
    throw new TenancyConfigurationError(
      'access.jwt.key.algorithms: a public key goes with RS, PS or ES algorithms only.',
    );
  }
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
  return { key, algorithms };
}
