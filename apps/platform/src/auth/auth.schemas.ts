import { z } from 'zod';

export const credentials = z
  .strictObject({
    email: z.email({ error: 'Must be an e-mail address' }).max(254),
    password: z.string().min(1).max(1_000),
    tenantId: z
      .guid({ error: 'Must be the id of a tenant, a UUID' })
      .toLowerCase()
      .optional()
      .meta({ description: 'Needed by members of several tenants.' }),
  })
  .meta({ id: 'Credentials' });
export type Credentials = z.infer<typeof credentials>;

export const accessToken = z
  .object({
    accessToken: z.string(),
    expiresIn: z.int().meta({ description: 'Seconds.' }),
    tenantId: z.guid().nullable().meta({ description: 'Null for operators.' }),
  })
  .meta({ id: 'AccessToken' });

export const me = z
  .object({
    user: z.object({ id: z.guid(), email: z.string(), roles: z.array(z.string()) }),
    tenant: z.object({
      id: z.guid(),
      slug: z.string(),
      name: z.string(),
      tier: z.string(),
      status: z.string(),
    }),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof me>;
