import { BadRequestException, Injectable, UnauthorizedException } from '@nestjs/common';
import { TenantRegistry } from '@tenantry/core';
import { AccessTokens, type AccessToken } from './access-tokens.js';
import type { Credentials } from './auth.schemas.js';
import { verifyPassword } from './passwords.js';
import { Users } from './users.js';

/** Turns credentials into a token for one tenant, or for none if they are an operator's. */
@Injectable()
export class SignIn {
  constructor(
    private readonly users: Users,
    private readonly registry: TenantRegistry,
    private readonly tokens: AccessTokens,
  ) {}

  /**
   * @throws {UnauthorizedException} alike for an unknown user, a wrong password, a tenant that does not exist, one
   * that is not the user's, and one that is not active
   * @throws {BadRequestException} `TENANT_CHOICE_REQUIRED` when the user belongs to several tenants and names none
   */
  async signIn({ email, password, tenantId }: Credentials): Promise<AccessToken> {
    const user = await this.users.findByEmail(email);
    const proven = await verifyPassword(password, user?.passwordHash);
    if (!user || !proven) throw badCredentials();
    if (user.isOperator && tenantId === undefined) return this.tokens.forOperator(user);

    const memberships = await this.users.membershipsOf(user);
    if (tenantId === undefined && memberships.length > 1) throw tenantChoiceRequired();
    const membership = memberships.find((each) => tenantId === undefined || each.tenantId === tenantId);
    if (!membership || !(await this.#isActive(membership.tenantId))) throw badCredentials();
    return this.tokens.forMember(user, membership.tenantId, membership.roles);
  }

  async #isActive(tenantId: string): Promise<boolean> {
    return (await this.registry.find(tenantId))?.status === 'active';
  }
}

function badCredentials(): UnauthorizedException {
  return new UnauthorizedException({
    code: 'INVALID_CREDENTIALS',
    message: 'E-mail, password and tenant do not go together.',
  });
}

function tenantChoiceRequired(): BadRequestException {
  return new BadRequestException({
    code: 'TENANT_CHOICE_REQUIRED',
    message: 'This user belongs to several tenants. Name one as tenantId.',
  });
}
