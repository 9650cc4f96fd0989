import type { TenantRecord } from '../registry/tenant-record.js';

/** Makes one part of a new tenant: its schema, its bucket, its defaults. Packages contribute their own. */
export interface ProvisioningStep {
  readonly name: string;
  /**
   * Idempotent: finishes what an earlier, interrupted call began. All or nothing: a call that fails leaves
   * nothing behind, and never removes what it did not make.
   */
  apply(tenant: TenantRecord): Promise<void>;
}

/** Token of the application's steps, an array in the order they run. */
export const PROVISIONING_STEPS: unique symbol = Symbol.for('tenantry.provisioning-steps') as never;
