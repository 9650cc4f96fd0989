import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { byId, page, type ById, type Page } from '../http/schemas.js';
import { ApiErrors } from '../openapi/api-errors.decorator.js';
import type { Campaign } from './campaign.entity.js';
import {
  campaign,
  campaignChange,
  campaignList,
  newCampaign,
  type CampaignChange,
  type NewCampaign,
} from './campaign.schemas.js';
import { Campaigns } from './campaigns.js';

@ApiTags('marketing')
@ApiBearerAuth()
@ApiErrors(400, 401, 403)
@Controller('marketing/campaigns')
export class CampaignsController {
  constructor(private readonly campaigns: Campaigns) {}

  @Post()
  @ApiOperation({ summary: 'Create a campaign' })
  @ApiCreatedResponse({ standardSchema: campaign })
  createCampaign(@Body({ schema: newCampaign }) body: NewCampaign): Promise<Campaign> {
    return this.campaigns.create(body);
  }

  @Get()
  @ApiOperation({ summary: 'List campaigns, oldest first' })
  @ApiOkResponse({ standardSchema: campaignList })
  listCampaigns(@Query({ schema: page }) query: Page): Promise<{ items: Campaign[]; total: number }> {
    return this.campaigns.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a campaign' })
  @ApiOkResponse({ standardSchema: campaign })
  @ApiErrors(404)
  getCampaign(@Param({ schema: byId }) { id }: ById): Promise<Campaign> {
    return this.campaigns.get(id);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change a campaign' })
  @ApiOkResponse({ standardSchema: campaign })
  @ApiErrors(404)
  updateCampaign(
    @Param({ schema: byId }) { id }: ById,
    @Body({ schema: campaignChange }) change: CampaignChange,
  ): Promise<Campaign> {
    return this.campaigns.update(id, change);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a campaign' })
  @ApiNoContentResponse()
  @ApiErrors(404)
  deleteCampaign(@Param({ schema: byId }) { id }: ById): Promise<void> {
    return this.campaigns.remove(id);
  }
}
