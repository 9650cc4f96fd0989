import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, CurrentTenant, type Principal, type Tenant } from '@tenantry/core';
import { ApiErrors } from '../openapi/api-errors.decorator.js';
import { me, type Me } from './auth.schemas.js';

@ApiTags('auth')
@ApiBearerAuth()
@ApiErrors(401, 403)
@Controller('me')
export class MeController {
  @Get()
  @ApiOperation({ summary: 'Who is calling, and for which tenant' })
  @ApiOkResponse({ standardSchema: me })
  getMe(@CurrentPrincipal() { userId, claims, roles }: Principal, @CurrentTenant() tenant: Tenant): Me {
    const { id, slug, name, tier } = tenant;
    return {
      user: { id: userId, email: String(claims['email']), roles: [...roles] },
      // No other tenant is ever entered.
      tenant: { id, slug, name, tier, status: 'active' },
    };
  }
}
