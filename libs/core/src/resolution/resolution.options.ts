import { TenancyConfigurationError } from '../errors/configuration.error.js';
import type { TenantResolutionStrategy } from './tenant-resolution-strategy.js';

export interface ResolutionOptions {
  /** Asked in this order; the order decides nothing about security, disagreement is always refused. */
  readonly strategies: readonly TenantResolutionStrategy[];
  /**
   * Paths that are neither authenticated nor given a tenant: exact, or with a trailing `/*` for all below.
   * Compared with the path as sent. Prefer `@Public()` on your own handlers.
   */
  readonly excludePaths?: readonly string[];
  /** Addresses or CIDR ranges whose `X-Forwarded-Host` is believed. Default: none. */
  readonly trustedProxies?: readonly string[];
}

export type ResolvedResolutionOptions = Readonly<Required<ResolutionOptions>>;

export function resolveResolutionOptions(input: ResolutionOptions): ResolvedResolutionOptions {
  const { strategies, excludePaths = [], trustedProxies = [] } = input;
  const names = strategies.map((strategy) => strategy.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (names.length === 0) throw new TenancyConfigurationError('resolution.strategies names no strategy.');
  if (twice)
    throw new TenancyConfigurationError(`resolution.strategies has two strategies named '${twice}'.`);
  for (const path of excludePaths) {
    if (!/^\/[^*]*(?:\/\*)?$/.test(path) || path === '/*') {
      throw new TenancyConfigurationError(
        `resolution.excludePaths: '${path}' must be a path, or a path followed by /* (and not everything).`,
      );
    }
  }
  return Object.freeze({ strategies, excludePaths, trustedProxies });
}

/** @returns whether a path, as sent and without query, is excluded */
export function excludedPathTest(paths: readonly string[]): (path: string) => boolean {
  const exact = new Set(paths.filter((path) => !path.endsWith('/*')));
  const prefixes = paths.filter((path) => path.endsWith('/*')).map((path) => path.slice(0, -1));
  return (path) => exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix));
}
