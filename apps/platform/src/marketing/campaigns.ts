import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import type { Page } from '../http/schemas.js';
import { Campaign } from './campaign.entity.js';
import type { CampaignChange, NewCampaign } from './campaign.schemas.js';

/** The campaigns of whoever is asking. */
@Injectable()
export class Campaigns {
  constructor(@InjectRepository(Campaign) private readonly campaigns: Repository<Campaign>) {}

  create(campaign: NewCampaign): Promise<Campaign> {
    return this.campaigns.save(this.campaigns.create(campaign));
  }

  async list({ limit, offset }: Page): Promise<{ items: Campaign[]; total: number }> {
    const order = { createdAt: 'ASC', id: 'ASC' } as const;
    const [items, total] = await this.campaigns.findAndCount({ order, take: limit, skip: offset });
    return { items, total };
  }

  async get(id: string): Promise<Campaign> {
    const campaign = await this.campaigns.findOneBy({ id });
    if (!campaign) throw campaignNotFound();
    return campaign;
  }

  async update(id: string, change: CampaignChange): Promise<Campaign> {
    const { affected } = await this.campaigns.update({ id }, change);
    if (!affected) throw campaignNotFound();
    return this.get(id);
  }

  async remove(id: string): Promise<void> {
    const { affected } = await this.campaigns.delete({ id });
    if (!affected) throw campaignNotFound();
  }
}

function campaignNotFound(): NotFoundException {
  return new NotFoundException({ code: 'CAMPAIGN_NOT_FOUND', message: 'There is no such campaign.' });
}
