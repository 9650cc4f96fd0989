import {
  TenantTakenError,
  type ManagedTenantStore,
  type NewTenantRecord,
  type TenantListQuery,
  type TenantPage,
  type TenantPatch,
  type TenantRecord,
  type TenantStatus,
} from '@tenantry/core';
import type pg from 'pg';
import { QueryFailedError, type DataSource, type EntityManager } from 'typeorm';
import { watchChannel } from './change-listener.js';
import { TENANT_COLUMNS, toTenantRecord, type TenantRow } from './tenant-row.js';

const UNIQUE_VIOLATION = '23505';

/**
 * The registry in PostgreSQL. Reads and writes through the central view, whatever tenant is in force. Every
 * change is announced with NOTIFY in its own transaction: heard exactly if it happened.
 */
export class PostgresTenantStore implements ManagedTenantStore {
  /** NOTIFY knows no schemas; two registries in one database must not hear each other. */
  readonly #channel: string;

  constructor(
    /** The central view. */
    private readonly central: DataSource,
    centralSchema: string,
    /** For {@link watch}'s own connection: a URL, or pg's options. Without it, nobody is told of changes. */
    private readonly listenOn?: string | pg.ClientConfig,
  ) {
    this.#channel = `${centralSchema}_tenants`;
  }

  findById(id: string): Promise<TenantRecord | undefined> {
    return this.#findOne('t.id = $1', id);
  }

  findBySlug(slug: string): Promise<TenantRecord | undefined> {
    return this.#findOne('t.slug = $1', slug);
  }

  findByDomain(domain: string): Promise<TenantRecord | undefined> {
    return this.#findOne('t.id = (SELECT d.tenant_id FROM tenant_domains d WHERE d.domain = $1)', domain);
  }

  async list({ limit, offset, status, tier }: TenantListQuery): Promise<TenantPage> {
    const filter = [status ?? null, tier ?? null];
    const where = 'WHERE ($1::text IS NULL OR t.status = $1) AND ($2::text IS NULL OR t.tier = $2)';
    const rows = await this.central.query<TenantRow[]>(
      `SELECT ${TENANT_COLUMNS} FROM tenants t ${where} ORDER BY t.created_at, t.id LIMIT $3 OFFSET $4`,
      [...filter, limit, offset],
    );
    const [count] = await this.central.query<[{ total: string }]>(
      `SELECT count(*) AS total FROM tenants t ${where}`,
      filter,
    );
    return { items: rows.map(toTenantRecord), total: Number(count.total) };
  }

  insert(tenant: NewTenantRecord): Promise<TenantRecord> {
    return this.#write(tenant.id, async (manager) => {
      await manager.query(
        `INSERT INTO tenants (id, slug, name, schema_name, status, tier, cluster, metadata)
         VALUES ($1, $2, $3, $4, 'provisioning', $5, $6, $7)`,
        [
          tenant.id,
          tenant.slug,
          tenant.name,
          tenant.schema,
          tenant.tier,
          tenant.placement.cluster,
          JSON.stringify(tenant.metadata),
        ],
      );
      await addDomains(manager, tenant.id, tenant.domains);
      return true;
    }) as Promise<TenantRecord>;
  }

  update(
    id: string,
    { slug, name, tier, metadata, domains }: TenantPatch,
  ): Promise<TenantRecord | undefined> {
    return this.#write(id, async (manager) => {
      const [, found] = await manager.query<[unknown, number]>(
        `UPDATE tenants SET slug = coalesce($2, slug), name = coalesce($3, name), tier = coalesce($4, tier),
           metadata = coalesce($5, metadata), generation = generation + 1, updated_at = clock_timestamp()
         WHERE id = $1`,
        [
          id,
          slug ?? null,
          name ?? null,
          tier ?? null,
          metadata === undefined ? null : JSON.stringify(metadata),
        ],
      );
      if (found > 0 && domains !== undefined) {
        await manager.query('DELETE FROM tenant_domains WHERE tenant_id = $1 AND NOT domain = ANY ($2)', [
          id,
          domains,
        ]);
        await addDomains(manager, id, domains);
      }
      return found > 0;
    });
  }

  transition(id: string, from: readonly TenantStatus[], to: TenantStatus): Promise<TenantRecord | undefined> {
    return this.#write(id, async (manager) => {
      const [, moved] = await manager.query<[unknown, number]>(
        `UPDATE tenants SET status = $3, generation = generation + 1, updated_at = clock_timestamp()
         WHERE id = $1 AND status = ANY ($2)`,
        [id, from, to],
      );
      return moved > 0;
    });
  }

  async discard(id: string): Promise<void> {
    await this.#write(id, async (manager) => {
      const [, gone] = await manager.query<[unknown, number]>(
        `DELETE FROM tenants WHERE id = $1 AND status = 'provisioning'`,
        [id],
      );
      return gone > 0;
    });
  }

  async watch(onChange: (tenantId: string | undefined) => void): Promise<() => Promise<void>> {
    if (this.listenOn === undefined) return async () => {};
    const connection =
      typeof this.listenOn === 'string' ? { connectionString: this.listenOn } : this.listenOn;
    return watchChannel(connection, this.#channel, onChange);
  }

  async #findOne(condition: string, parameter: string): Promise<TenantRecord | undefined> {
    const [row] = await this.central.query<TenantRow[]>(
      `SELECT ${TENANT_COLUMNS} FROM tenants t WHERE ${condition}`,
      [parameter],
    );
    return row && toTenantRecord(row);
  }

  /**
   * One transaction: the change, its announcement, and the row as it is then.
   *
   * @param change tells whether it changed anything; if not, nobody is told
   */
  async #write(
    id: string,
    change: (manager: EntityManager) => Promise<boolean>,
  ): Promise<TenantRecord | undefined> {
    try {
      return await this.central.transaction(async (manager) => {
        if (!(await change(manager))) return undefined;
        await manager.query('SELECT pg_notify($1, $2)', [this.#channel, id]);
        const [row] = await manager.query<TenantRow[]>(
          `SELECT ${TENANT_COLUMNS} FROM tenants t WHERE t.id = $1`,
          [id],
        );
        return row && toTenantRecord(row);
      });
    } catch (error) {
      throw takenError(error) ?? error;
    }
  }
}

async function addDomains(manager: EntityManager, id: string, domains: readonly string[]): Promise<void> {
  // Own domains may be there already; anybody else's must fail, which DO NOTHING on the pair would hide.
  await manager.query(
    `INSERT INTO tenant_domains (domain, tenant_id)
     SELECT DISTINCT wanted, $2::uuid FROM unnest($1::text[]) AS wanted
     WHERE NOT EXISTS (SELECT FROM tenant_domains d WHERE d.domain = wanted AND d.tenant_id = $2)`,
    [domains, id],
  );
}

function takenError(error: unknown): TenantTakenError | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  const { code, constraint } = error.driverError as Error & { code?: string; constraint?: string };
  if (code !== UNIQUE_VIOLATION) return undefined;
  if (constraint === 'tenants_slug_key') return new TenantTakenError('slug', error);
  return constraint === 'tenant_domains_pkey' ? new TenantTakenError('domain', error) : undefined;
}
