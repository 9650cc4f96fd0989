import type * as Binding from '../../src/binding/binding.js';
import type * as Pool from '../../src/pool/tenant-pool.js';
import type { ResolvedTenantPoolOptions } from '../../src/pool/tenant-pool.options.js';
import type { World } from './world.js';

/** The parts of the engine under test, as loaded from one (perhaps mutated) set of modules. */
export interface Engine {
  readonly createBinding: typeof Binding.createBinding;
  createPool(
    world: World,
    options?: Partial<ResolvedTenantPoolOptions & { extendedOnly: boolean }>,
  ): Pool.TenantPool;
}

/** Loads the engine anew; call inside `jest.isolateModules` after `jest.doMock` for a mutated one. */
export function loadEngine(): Engine {
  const { createBinding } = require('../../src/binding/binding.js') as typeof Binding;
  const { TenantPool } = require('../../src/pool/tenant-pool.js') as typeof Pool;
  return {
    createBinding,
    createPool: (world, options) =>
      new TenantPool({
        connectionString: world.url,
        max: 2,
        tenantry: {
          acquireTimeoutMs: 20_000,
          maxSchemasPerConnection: 1_000,
          startupParameters: true,
          extendedOnly: false,
          ...options,
        },
      }),
  };
}
