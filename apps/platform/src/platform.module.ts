import { Module, type DynamicModule } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { AdminModule } from './admin/admin.module.js';
import { AuthModule, type AuthOptions } from './auth/auth.module.js';
import { HealthModule } from './health/health.module.js';
import { validationPipe } from './http/validation.js';
import { MarketingModule } from './marketing/marketing.module.js';
import { DocsController } from './openapi/docs.controller.js';
import { PlatformTenancyModule, type DatabaseOptions } from './tenancy/platform-tenancy.module.js';

export interface PlatformOptions {
  readonly jwt: AuthOptions;
  readonly database: DatabaseOptions;
}

@Module({})
export class PlatformModule {
  static forRoot({ jwt, database }: PlatformOptions): DynamicModule {
    return {
      module: PlatformModule,
      imports: [
        PlatformTenancyModule.forRoot(jwt, database),
        AuthModule.forRoot(jwt),
        AdminModule,
        MarketingModule,
        HealthModule,
      ],
      controllers: [DocsController],
      providers: [{ provide: APP_PIPE, useFactory: validationPipe }],
    };
  }
}
