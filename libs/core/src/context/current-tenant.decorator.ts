import { createParamDecorator } from '@nestjs/common';
import { TenantContext } from './tenant-context.js';
import type { Tenant } from './tenant.js';

/**
 * The tenant in force, or one field of it, as a parameter of a handler.
 *
 * @throws {TenantContextMissingError} on routes without a tenant; there use `TenantContext.current()`
 * @example
 * \@Get()
 * show(@CurrentTenant() tenant: Tenant, @CurrentTenant('slug') slug: string) {}
 */
export const CurrentTenant = createParamDecorator((field: keyof Tenant | undefined) => {
  const tenant = TenantContext.require('@CurrentTenant()');
  return field === undefined ? tenant : tenant[field];
});
