import {
  resolveAccessOptions,
  type AccessOptions,
  type ResolvedAccessOptions,
} from '../access/access.options.js';
import type { TenantRegistryOptions } from '../registry/tenant-registry.options.js';
import {
  resolveResolutionOptions,
  type ResolutionOptions,
  type ResolvedResolutionOptions,
} from '../resolution/resolution.options.js';

export interface TenancyModuleOptions {
  /** Where requests name their tenant. */
  readonly resolution: ResolutionOptions;
  /** What proves that they may. */
  readonly access: AccessOptions;
  /** How look-ups are cached. */
  readonly registry?: TenantRegistryOptions;
}

export interface ResolvedTenancyOptions {
  readonly resolution: ResolvedResolutionOptions;
  readonly access: ResolvedAccessOptions;
  readonly registry: TenantRegistryOptions;
}

/** @throws {TenancyConfigurationError} for what cannot be safe or cannot work */
export function resolveTenancyOptions(input: TenancyModuleOptions): ResolvedTenancyOptions {
  return Object.freeze({
    resolution: resolveResolutionOptions(input.resolution),
    access: resolveAccessOptions(input.access, input.resolution.strategies),
    registry: input.registry ?? {},
  });
}
