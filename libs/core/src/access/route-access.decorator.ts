import { SetMetadata, type CustomDecorator } from '@nestjs/common';

/**
 * Who may call a route, and in which context it runs. Default is `tenant`.
 * - `tenant`: a verified tenant is required
 * - `tenant-optional`: a valid token is required; its tenant, if it has one, is entered
 * - `central`: operators only, runs without a tenant
 * - `public`: anyone, no context
 */
export type RouteAccess = 'tenant' | 'tenant-optional' | 'central' | 'public';

export const ROUTE_ACCESS = 'tenantry:route-access';
export const TENANT_ROLES = 'tenantry:tenant-roles';

/** For operators: needs a token with the operator role and without a tenant; runs in central context. */
export const Central = (): CustomDecorator => SetMetadata(ROUTE_ACCESS, 'central' satisfies RouteAccess);

/** Authenticated, with or without a tenant. */
export const TenantOptional = (): CustomDecorator =>
  SetMetadata(ROUTE_ACCESS, 'tenant-optional' satisfies RouteAccess);

/** Open to anyone. The handler has no tenant and cannot reach tenant data. */
export const Public = (): CustomDecorator => SetMetadata(ROUTE_ACCESS, 'public' satisfies RouteAccess);

/** The caller needs at least one of these roles in the tenant. */
export const TenantRoles = (...roles: [string, ...string[]]): CustomDecorator =>
  SetMetadata(TENANT_ROLES, roles);
