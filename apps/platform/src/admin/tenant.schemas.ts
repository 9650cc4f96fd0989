import { canonicalHost, isTenantSlug } from '@tenantry/core';
import { z } from 'zod';
import { changesSomething, line, NO_CHANGE } from '../http/schemas.js';

export const TIERS = ['starter', 'growth', 'enterprise'] as const;

const MAX_DOMAINS = 20;

const slug = z
  .string()
  .refine(isTenantSlug, {
    error: 'Must be 1 to 63 of a-z, 0-9 and inner hyphens, and no reserved name such as admin or www',
  })
  .meta({ description: 'Public name: a DNS label that no other tenant has.', example: 'umbrella' });

const domain = z
  .string()
  .max(253)
  .refine((host) => canonicalHost(host)?.includes('.') === true, { error: 'Must be a host name with a dot' });

const fields = z.strictObject({
  name: line(200),
  slug,
  tier: z.enum(TIERS),
  domains: z.array(domain).max(MAX_DOMAINS),
});

export const newTenant = fields.partial({ domains: true }).meta({ id: 'NewTenant' });
export type NewTenant = z.infer<typeof newTenant>;

export const tenantChange = fields.partial().refine(changesSomething, NO_CHANGE).meta({ id: 'TenantChange' });
export type TenantChange = Partial<z.infer<typeof fields>>;

export const tenant = z
  .object({
    id: z.guid(),
    slug: z.string(),
    name: z.string(),
    tier: z.string(),
    status: z.enum(['provisioning', 'active', 'suspended', 'archived', 'failed']),
    domains: z.array(z.string()),
    createdAt: z.date(),
    updatedAt: z.date(),
  })
  .meta({ id: 'Tenant' });
export type TenantView = z.infer<typeof tenant>;

export const tenantList = z
  .object({ items: z.array(tenant), total: z.int().min(0), limit: z.int(), offset: z.int() })
  .meta({ id: 'TenantList' });
export type TenantListView = z.infer<typeof tenantList>;
