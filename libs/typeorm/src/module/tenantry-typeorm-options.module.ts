import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import {
  resolveTenantryTypeOrmOptions,
  type ResolvedTenantryTypeOrmOptions,
  type TenantryTypeOrmOptions,
} from './tenantry-typeorm.options.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<TenantryTypeOrmOptions>({ moduleName: 'TenantryTypeOrm' })
    .setClassMethodName('forRoot')
    .build();

export type TenantryTypeOrmRootOptions = typeof OPTIONS_TYPE;
export type TenantryTypeOrmAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/** Token of the resolved options, inside this package. */
export const TENANTRY_TYPEORM_OPTIONS = Symbol('tenantry.typeorm-options');

/** A module of its own, because Nest's TypeOrmModule needs the options before this package's module exists. */
@Module({
  providers: [
    {
      provide: TENANTRY_TYPEORM_OPTIONS,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (options: TenantryTypeOrmOptions): ResolvedTenantryTypeOrmOptions =>
        resolveTenantryTypeOrmOptions(options),
    },
  ],
  exports: [TENANTRY_TYPEORM_OPTIONS],
})
export class TenantryTypeOrmOptionsModule extends ConfigurableModuleClass {}
