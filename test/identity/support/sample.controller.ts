import { setImmediate as immediate, setTimeout as timeout } from 'node:timers/promises';
import { Body, Controller, Get, HttpException, Post } from '@nestjs/common';
import {
  Central,
  CurrentPrincipal,
  CurrentTenant,
  Public,
  TenantContext,
  TenantOptional,
  TenantRoles,
  type Principal,
  type Tenant,
} from '@tenantry/core';

const here = () => ({ state: TenantContext.state().kind, tenant: TenantContext.current()?.slug });

@Controller()
export class SampleController {
  @Get('whoami')
  whoAmI(
    @CurrentTenant() tenant: Tenant,
    @CurrentTenant('id') id: string,
    @CurrentPrincipal() principal: Principal | undefined,
  ) {
    return { ...here(), parameter: tenant.slug, id, user: principal?.userId };
  }

  /** Which tenants it saw while it waited for this and that. */
  @Get('wander')
  async wander() {
    const seen = new Set<string | undefined>();
    for (let turn = 0; turn < 6; turn++) {
      await (Math.random() < 0.5 ? immediate() : timeout(Math.random() * 3));
      seen.add(TenantContext.current()?.slug);
    }
    return { seen: [...seen] };
  }

  @Post('echo')
  async echo(@Body() body: { text?: string }) {
    const before = here();
    await immediate();
    return { before, after: here(), length: body.text?.length };
  }

  @Get('owners')
  @TenantRoles('owner', 'admin')
  owners() {
    return here();
  }

  @Get('central')
  @Central()
  central() {
    return here();
  }

  @Get('optional')
  @TenantOptional()
  optional() {
    return here();
  }

  @Get('optional/owners')
  @TenantOptional()
  @TenantRoles('owner')
  optionalOwners() {
    return here();
  }

  @Get('public')
  @Public()
  open() {
    return here();
  }

  @Get('public/require')
  @Public()
  openButNeedsTenant() {
    return TenantContext.require('The table campaigns').slug;
  }

  @Get('excluded')
  excluded() {
    return here();
  }

  @Get('docs/page')
  docs() {
    return here();
  }

  @Get('errors/plain')
  plainError() {
    throw new Error('connect postgres://user:hunter2@db failed');
  }

  @Get('errors/upstream')
  upstreamError() {
    throw Object.assign(new Error('AccessDenied for key AKIA'), { statusCode: 403 });
  }

  @Get('errors/http')
  httpError() {
    throw new HttpException('Too early', 425);
  }

  @Get('errors/text')
  textError() {
    // oxlint-disable-next-line typescript/only-throw-error -- some library will
    throw 'hunter2';
  }
}

@Controller('tenants/:tenantId')
export class SampleTenantsController {
  @Get('whoami')
  whoAmI() {
    return here();
  }
}
