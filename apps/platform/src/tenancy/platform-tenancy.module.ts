import { Module, type DynamicModule } from '@nestjs/common';
import { headerStrategy, jwtClaimStrategy, TenancyModule } from '@tenantry/core';
import { TenantryTypeOrmModule, type IsolationOptions } from '@tenantry/typeorm';
import type { AuthOptions } from '../auth/auth.module.js';
import { TENANT_MIGRATIONS } from './migrations.js';

export interface DatabaseOptions {
  /** Connection of the running application: a login that owns nothing. */
  readonly url: string;
  /** Connection that makes tenants. Without it the platform serves tenants, but cannot create them. */
  readonly adminUrl?: string;
  readonly isolation?: IsolationOptions;
}

/** All of the platform's tenancy: who is verified how, and where data lives. Nothing else configures it. */
@Module({})
export class PlatformTenancyModule {
  static forRoot(jwt: AuthOptions, database: DatabaseOptions): DynamicModule {
    const { secret, issuer, audience } = jwt;
    return {
      module: PlatformTenancyModule,
      imports: [
        TenancyModule.forRoot({
          resolution: { strategies: [jwtClaimStrategy(), headerStrategy()] },
          access: { kind: 'jwt', jwt: { key: { secret }, issuer, audience } },
        }),
        TenantryTypeOrmModule.forRoot({ ...database, tenantMigrations: TENANT_MIGRATIONS }),
      ],
    };
  }
}
