import { TenancyConfigurationError } from '../errors/configuration.error.js';

export interface TenantRegistryOptions {
  /**
   * How long a looked-up tenant is trusted, in milliseconds. Bounds how long a suspension can go unseen
   * when the store cannot tell of changes. Default 30,000; 0 asks the store every time.
   */
  readonly cacheTtlMs?: number;
  /** How long "there is no such tenant" is trusted, in milliseconds. Default 2,000. */
  readonly negativeTtlMs?: number;
  /** Look-ups kept at the most, known and unknown together. Default 10,000. */
  readonly maxCacheEntries?: number;
}

export const DEFAULT_TENANT_REGISTRY_OPTIONS: Readonly<Required<TenantRegistryOptions>> = Object.freeze({
  cacheTtlMs: 30_000,
  negativeTtlMs: 2_000,
  maxCacheEntries: 10_000,
});

export function resolveTenantRegistryOptions(
  input: TenantRegistryOptions = {},
): Readonly<Required<TenantRegistryOptions>> {
  const { cacheTtlMs, negativeTtlMs, maxCacheEntries } = DEFAULT_TENANT_REGISTRY_OPTIONS;
  const options = {
    cacheTtlMs: input.cacheTtlMs ?? cacheTtlMs,
    negativeTtlMs: input.negativeTtlMs ?? negativeTtlMs,
    maxCacheEntries: input.maxCacheEntries ?? maxCacheEntries,
  };
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new TenancyConfigurationError(
        `registry.${name} must be a whole number of at least 0, not ${value}.`,
      );
    }
  }
  if (options.maxCacheEntries < 1)
    throw new TenancyConfigurationError('registry.maxCacheEntries must be at least 1.');
  return Object.freeze(options);
}
