import { randomUUID } from 'node:crypto';
import { TenantKeyMalformedError } from '../registry/tenant-key.errors.js';
import { canonicalHost, isTenantId, isTenantSlug } from '../registry/tenant-key.js';
import { schemaNameFor } from '../registry/schema-name.js';
import type { TenantRecord, TenantStatus } from '../registry/tenant-record.js';
import type { TenantRegistry } from '../registry/tenant-registry.js';
import { TenantNotFoundError, TenantTransitionError } from './lifecycle.errors.js';
import type { ManagedTenantStore, TenantPatch } from './managed-tenant-store.js';
import type { ProvisioningStep } from './provisioning-step.js';

/** Tenants that recovery reads at a time. */
const PAGE_SIZE = 500;

export interface CreateTenantInput {
  readonly slug: string;
  readonly name: string;
  readonly tier: string;
  readonly domains?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Creates tenants and moves them through their life:
 *
 *     provisioning ──▶ active ◀──▶ suspended
 *
 * Only `active` tenants are ever entered, so nothing can reach one that is half made. A process that dies
 * while making one leaves it `provisioning`; {@link recover} finishes it. Every transition is one conditional
 * write, so that of several racers one wins and the others learn of it.
 */
export class TenantManager {
  constructor(
    private readonly store: ManagedTenantStore,
    private readonly registry: TenantRegistry,
    private readonly steps: readonly ProvisioningStep[],
  ) {}

  /**
   * @throws {TenantKeyMalformedError} for a slug or domain that cannot be one
   * @throws {TenantTakenError} when another tenant has it
   */
  async create(input: CreateTenantInput): Promise<TenantRecord> {
    const id = randomUUID();
    const record = await this.store.insert({
      id,
      slug: validSlug(input.slug),
      name: input.name,
      schema: schemaNameFor(id),
      tier: input.tier,
      placement: { cluster: 'default' },
      metadata: input.metadata ?? {},
      domains: validDomains(input.domains ?? []),
    });
    try {
      await this.#applySteps(record);
    } catch (error) {
      // Steps that fail leave nothing behind, so the row may go. Should this fail as well, recover() sees it.
      await this.store.discard(record.id).catch(() => {});
      this.registry.invalidate(record.id);
      throw error;
    }
    // Should this fail, everything is there but for one word; recover() says it.
    return this.#activate(record);
  }

  /** @throws {TenantNotFoundError} */
  async get(id: string): Promise<TenantRecord> {
    const record = isTenantId(id) ? await this.store.findById(id) : undefined;
    if (!record) throw new TenantNotFoundError(id);
    return record;
  }

  /**
   * @throws {TenantNotFoundError}
   * @throws {TenantKeyMalformedError | TenantTakenError} as {@link create}
   */
  async update(id: string, patch: TenantPatch): Promise<TenantRecord> {
    const checked: TenantPatch = {
      ...patch,
      ...(patch.slug !== undefined && { slug: validSlug(patch.slug) }),
      ...(patch.domains !== undefined && { domains: validDomains(patch.domains) }),
    };
    const record = isTenantId(id) ? await this.store.update(id, checked) : undefined;
    if (!record) throw new TenantNotFoundError(id);
    this.registry.invalidate(id);
    return record;
  }

  /** Idempotent. @throws {TenantNotFoundError | TenantTransitionError} */
  suspend(id: string): Promise<TenantRecord> {
    return this.#transition(id, ['active'], 'suspended');
  }

  /** Idempotent. @throws {TenantNotFoundError | TenantTransitionError} */
  resume(id: string): Promise<TenantRecord> {
    return this.#transition(id, ['suspended'], 'active');
  }

  /**
   * Finishes tenants whose making was interrupted. Safe beside other instances, also beside the one that is
   * making them. One that cannot be finished does not keep the others from it.
   *
   * @returns the tenants that are active now
   * @throws {AggregateError} when some could not be finished, after all have been tried
   */
  async recover(): Promise<readonly TenantRecord[]> {
    const recovered: TenantRecord[] = [];
    const errors: unknown[] = [];
    for (;;) {
      // Those that were finished are not listed any more, and those that failed are skipped.
      const page = { limit: PAGE_SIZE, offset: errors.length, status: 'provisioning' } as const;
      const { items } = await this.store.list(page);
      if (items.length === 0) break;
      for (const record of items) {
        try {
          await this.#applySteps(record);
          recovered.push(await this.#activate(record));
        } catch (error) {
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) {
      throw new AggregateError(
        errors,
        `${errors.length} of ${errors.length + recovered.length} tenants could not be finished.`,
      );
    }
    return recovered;
  }

  async #applySteps(record: TenantRecord): Promise<void> {
    for (const step of this.steps) await step.apply(record);
  }

  #activate({ id }: TenantRecord): Promise<TenantRecord> {
    return this.#transition(id, ['provisioning'], 'active');
  }

  async #transition(id: string, from: readonly TenantStatus[], to: TenantStatus): Promise<TenantRecord> {
    const moved = isTenantId(id) ? await this.store.transition(id, from, to) : undefined;
    if (moved) {
      this.registry.invalidate(id);
      return moved;
    }
    const record = await this.get(id);
    if (record.status !== to) throw new TenantTransitionError(record.status, to);
    return record;
  }
}

function validSlug(slug: string): string {
  if (!isTenantSlug(slug)) throw new TenantKeyMalformedError('slug');
  return slug;
}

function validDomains(domains: readonly string[]): readonly string[] {
  const hosts = domains.map((domain) => canonicalHost(domain));
  if (!hosts.every((host) => host !== undefined && host.includes('.')))
    throw new TenantKeyMalformedError('domain');
  return [...new Set(hosts as string[])];
}
