import { TenantContext, TenantManager, TenantRegistry, type TenantRecord } from '@tenantry/core';
import { DataSource } from 'typeorm';
import { Membership } from '../auth/membership.entity.js';
import { hashPassword } from '../auth/passwords.js';
import { User } from '../auth/user.entity.js';
import { Campaign } from '../marketing/campaign.entity.js';
import {
  DEMO_MEMBERS,
  DEMO_OPERATOR,
  DEMO_PASSWORD,
  DEMO_TENANTS,
  demoCampaigns,
  type DemoSlug,
} from './demo-data.js';

type DemoTenants = Readonly<Record<DemoSlug, TenantRecord>>;

/**
 * Fills an empty platform. Tenants come first, then the campaigns of each in one transaction, and in the last one
 * all users: as long as the operator is missing, a seeding was cut short, and every step finishes what it finds.
 */
export class DemoSeed {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tenants: TenantManager,
    private readonly registry: TenantRegistry,
  ) {}

  /** @returns false when there was nothing to do */
  async run(): Promise<boolean> {
    if (await this.#isDone()) return false;
    const entries = [];
    for (const wanted of DEMO_TENANTS) {
      const known = await this.registry.lookup('slug', wanted.slug);
      const tenant = known ?? (await this.tenants.create(wanted));
      await this.#seedCampaigns(tenant);
      entries.push([wanted.slug, tenant]);
    }
    await this.#seedUsers(Object.fromEntries(entries) as DemoTenants);
    return true;
  }

  #isDone(): Promise<boolean> {
    return TenantContext.runCentral(() =>
      this.dataSource.getRepository(User).existsBy({ email: DEMO_OPERATOR }),
    );
  }

  #seedCampaigns(tenant: TenantRecord): Promise<void> {
    return TenantContext.run(tenant, () =>
      this.dataSource.transaction(async (manager) => {
        if (await manager.exists(Campaign)) return;
        for (const campaign of demoCampaigns(tenant.name)) await manager.insert(Campaign, campaign);
      }),
    );
  }

  async #seedUsers(tenants: DemoTenants): Promise<void> {
    const passwordHash = await hashPassword(DEMO_PASSWORD);
    await TenantContext.runCentral(() =>
      this.dataSource.transaction(async (manager) => {
        for (const { email, tenants: slugs } of DEMO_MEMBERS) {
          const user = await manager.save(User, { email, passwordHash, isOperator: false });
          for (const slug of slugs) {
            await manager.insert(Membership, {
              userId: user.id,
              tenantId: tenants[slug].id,
              roles: ['owner'],
            });
          }
        }
        await manager.save(User, { email: DEMO_OPERATOR, passwordHash, isOperator: true });
      }),
    );
  }
}
