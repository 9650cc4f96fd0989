import { JwtService } from '@nestjs/jwt';
import { UnauthenticatedError } from './access.errors.js';
import type { ResolvedJwtAccessOptions } from './jwt-access.options.js';
import type { Principal } from './principal.js';

const MAX_TOKEN_CHARACTERS = 8_192;

interface CompleteToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>> | string;
}

/** Checks access tokens: pinned algorithms, signature, issuer, audience, expiry (required), no unknown `crit`. */
export class TokenVerifier {
  readonly #jwt: JwtService;

  constructor(private readonly options: ResolvedJwtAccessOptions) {
    // A key object, so that nothing guesses from a text what kind of key it is.
    this.#jwt = new JwtService({ secret: options.key });
  }

  get operatorRole(): string {
    return this.options.operatorRole;
  }

  /** @throws {UnauthenticatedError} for every token that is not whole, current and ours */
  async verify(token: string): Promise<Principal> {
    if (token.length > MAX_TOKEN_CHARACTERS) throw new UnauthenticatedError('token-invalid');
    const { header, payload } = await this.#verified(token);
    // jsonwebtoken ignores `crit`; RFC 7515 4.1.11 wants a token refused whose extensions are not understood.
    if (typeof payload === 'string' || 'crit' in header) throw new UnauthenticatedError('token-invalid');
    if (typeof payload['exp'] !== 'number') throw new UnauthenticatedError('token-invalid');
    if (typeof payload['sub'] !== 'string' || payload['sub'] === '')
      throw new UnauthenticatedError('token-invalid');
    return Object.freeze({
      userId: payload['sub'],
      roles: this.#roles(payload),
      claims: Object.freeze(payload),
    });
  }

  async #verified(token: string): Promise<CompleteToken> {
    const { algorithms, issuer, audience, clockToleranceSeconds } = this.options;
    try {
      return await this.#jwt.verifyAsync<CompleteToken & object>(token, {
        algorithms: [...algorithms],
        issuer,
        audience,
        clockTolerance: clockToleranceSeconds,
        complete: true,
      });
    } catch (error) {
      const expired = error instanceof Error && error.name === 'TokenExpiredError';
      throw new UnauthenticatedError(expired ? 'token-expired' : 'token-invalid', error);
    }
  }

  #roles(payload: Readonly<Record<string, unknown>>): readonly string[] {
    const roles = payload[this.options.rolesClaim] ?? [];
    if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
      throw new UnauthenticatedError('roles-claim-malformed');
    }
    return Object.freeze([...roles]);
  }
}

/**
 * The token of an `Authorization: Bearer` header.
 *
 * @param values of the header, as sent
 * @returns undefined when there is no such header
 * @throws {UnauthenticatedError} when it is sent twice or has another form
 */
export function bearerToken(values: readonly string[]): string | undefined {
  if (values.length === 0) return undefined;
  const match = values.length === 1 ? /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(values[0]!) : null;
  if (!match) throw new UnauthenticatedError('token-invalid');
  return match[1]!;
}
