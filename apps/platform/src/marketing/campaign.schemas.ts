import { z } from 'zod';
import { changesSomething, line, NO_CHANGE } from '../http/schemas.js';

const fields = z.strictObject({ name: line(200), subject: line(500), body: line(100_000) });

export const newCampaign = fields.meta({ id: 'NewCampaign' });
export type NewCampaign = z.infer<typeof newCampaign>;

export const campaignChange = fields
  .partial()
  .refine(changesSomething, NO_CHANGE)
  .meta({ id: 'CampaignChange' });
export type CampaignChange = Partial<NewCampaign>;

export const campaign = z
  .object({
    id: z.guid(),
    name: z.string(),
    subject: z.string(),
    body: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
  })
  .meta({ id: 'Campaign' });

export const campaignList = z
  .object({ items: z.array(campaign), total: z.int().min(0) })
  .meta({ id: 'CampaignList' });
