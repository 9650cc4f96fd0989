import type * as Binding from '../../src/binding/binding.js';
import type * as Pool from '../../src/pool/tenant-pool.js';
import { resolveTenantPoolOptions, type TenantPoolOptions } from '../../src/pool/tenant-pool.options.js';
import type { World } from './world.js';

/** The parts of the engine under test, as loaded from one (perhaps mutated) set of modules. */
export interface Engine {
  readonly createBinding: typeof Binding.createBinding;
  createPool(
    world: Pick<World, 'url'>,
    options?: TenantPoolOptions & { readonly extendedOnly?: boolean; readonly max?: number },
  ): Pool.TenantPool;
}

/** Loads the engine anew; call inside `jest.isolateModules` after `jest.doMock` for a mutated one. */
export function loadEngine(): Engine {
  const { createBinding } = require('../../src/binding/binding.js') as typeof Binding;
  const { TenantPool } = require('../../src/pool/tenant-pool.js') as typeof Pool;
  return {
    createBinding,
    createPool: (world, { extendedOnly = false, max = 2, ...options } = {}) =>
      new TenantPool({
        connectionString: world.url,
        max,
        tenantry: {
          ...resolveTenantPoolOptions({ acquireTimeoutMs: 20_000, maxConnectionsPerTenant: 2, ...options }),
          extendedOnly,
        },
      }),
  };
}
