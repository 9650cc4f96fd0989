import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { TenantContext } from '@tenantry/core';
import { Repository } from 'typeorm';
import { Membership } from './membership.entity.js';
import { User } from './user.entity.js';

/** Users and their memberships: central data, so every read says that it means no tenant. */
@Injectable()
export class Users {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    @InjectRepository(Membership) private readonly memberships: Repository<Membership>,
  ) {}

  findByEmail(email: string): Promise<User | null> {
    return TenantContext.runCentral(() => this.users.findOneBy({ email: email.toLowerCase() }));
  }

  membershipsOf(user: User): Promise<Membership[]> {
    return TenantContext.runCentral(() => this.memberships.findBy({ userId: user.id }));
  }
}
