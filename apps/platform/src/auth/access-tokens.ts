import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { User } from './user.entity.js';

/** Seconds a token is good for. Bounds how long a change of somebody's roles goes unseen. */
export const ACCESS_TOKEN_SECONDS = 3_600;

export interface AccessToken {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly tenantId: string | null;
}

/** Issuer, audience, algorithm and lifetime are the module's; this fills in who and where. */
@Injectable()
export class AccessTokens {
  constructor(private readonly jwt: JwtService) {}

  forMember(user: User, tenantId: string, roles: readonly string[]): Promise<AccessToken> {
    return this.#issue(user, { tenant_id: tenantId, roles }, tenantId);
  }

  /** Carries no tenant, and therefore opens none. */
  forOperator(user: User): Promise<AccessToken> {
    return this.#issue(user, { roles: ['operator'] }, null);
  }

  async #issue({ id, email }: User, claims: object, tenantId: string | null): Promise<AccessToken> {
    const accessToken = await this.jwt.signAsync({ email, ...claims }, { subject: id });
    return { accessToken, expiresIn: ACCESS_TOKEN_SECONDS, tenantId };
  }
}
