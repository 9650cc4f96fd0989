import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Central: that a user belongs to a tenant, and what they may do there. */
@Entity('memberships')
export class Membership {
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId: string;

  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId: string;

  @Column('text', { array: true })
  roles: string[];
}
