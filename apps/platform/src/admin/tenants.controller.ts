import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Central, TenantManager, TenantRegistry } from '@tenantry/core';
import { byId, page, type ById, type Page } from '../http/schemas.js';
import { ApiErrors } from '../openapi/api-errors.decorator.js';
import { toTenantView } from './tenant-view.js';
import {
  newTenant,
  tenant,
  tenantChange,
  tenantList,
  type NewTenant,
  type TenantChange,
  type TenantListView,
  type TenantView,
} from './tenant.schemas.js';

/** For operators. */
@Central()
@ApiTags('admin')
@ApiBearerAuth()
@ApiErrors(400, 401, 403)
@Controller('admin/tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantManager,
    private readonly registry: TenantRegistry,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create a tenant: registry entry, database role, schema and tables' })
  @ApiCreatedResponse({ standardSchema: tenant })
  @ApiErrors(409)
  async createTenant(@Body({ schema: newTenant }) { domains = [], ...body }: NewTenant): Promise<TenantView> {
    return toTenantView(await this.tenants.create({ ...body, domains }));
  }

  @Get()
  @ApiOperation({ summary: 'List tenants, oldest first' })
  @ApiOkResponse({ standardSchema: tenantList })
  async listTenants(@Query({ schema: page }) { limit, offset }: Page): Promise<TenantListView> {
    const { items, total } = await this.registry.list({ limit, offset });
    return { items: items.map(toTenantView), total, limit, offset };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a tenant' })
  @ApiOkResponse({ standardSchema: tenant })
  @ApiErrors(404)
  async getTenant(@Param({ schema: byId }) { id }: ById): Promise<TenantView> {
    return toTenantView(await this.tenants.get(id));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change name, slug, tier or domains' })
  @ApiOkResponse({ standardSchema: tenant })
  @ApiErrors(404, 409)
  async updateTenant(
    @Param({ schema: byId }) { id }: ById,
    @Body({ schema: tenantChange }) change: TenantChange,
  ): Promise<TenantView> {
    return toTenantView(await this.tenants.update(id, change));
  }

  @Post(':id/suspend')
  @HttpCode(200)
  @ApiOperation({ summary: 'Refuse everything for this tenant from the next request on, on every instance' })
  @ApiOkResponse({ standardSchema: tenant })
  @ApiErrors(404, 409)
  async suspendTenant(@Param({ schema: byId }) { id }: ById): Promise<TenantView> {
    return toTenantView(await this.tenants.suspend(id));
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Undo a suspension' })
  @ApiOkResponse({ standardSchema: tenant })
  @ApiErrors(404, 409)
  async resumeTenant(@Param({ schema: byId }) { id }: ById): Promise<TenantView> {
    return toTenantView(await this.tenants.resume(id));
  }
}
