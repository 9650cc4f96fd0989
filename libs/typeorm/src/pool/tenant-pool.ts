import pg from 'pg';
import { TenantContext } from '@tenantry/core';
import { UNBOUND_SEARCH_PATH, type Binding } from '../binding/binding.js';
import type { PgClient } from '../binding/pg-internals.js';
import { newConnectionFacts, type ConnectionFacts } from './connection-facts.js';
import { TenantLease } from './tenant-lease.js';
import { TenantPoolExhaustedError } from './tenant-pool.errors.js';
import type { ResolvedTenantPoolOptions } from './tenant-pool.options.js';

type Release = (destroy?: Error | boolean) => void;
type ConnectCallback = (error: Error | undefined, lease: TenantLease | undefined, release: Release) => void;

export interface TenantPoolConfig extends pg.PoolConfig {
  readonly tenantry: ResolvedTenantPoolOptions & {
    /** See `LeaseOptions.extendedOnly`. */
    readonly extendedOnly: boolean;
  };
}

/**
 * One pool for all tenants of a PostgreSQL server. Its connections belong to nobody: each checkout is a
 * {@link TenantLease} that carries its tenant in every batch.
 */
export class TenantPool extends pg.Pool {
  readonly #facts = new WeakMap<object, ConnectionFacts>();
  readonly #config: TenantPoolConfig['tenantry'];

  constructor({ tenantry, ...config }: TenantPoolConfig) {
    super({
      ...config,
      connectionTimeoutMillis: tenantry.acquireTimeoutMs,
      ...(tenantry.startupParameters && startupOptions(config)),
    });
    this.#config = tenantry;
    // An idle connection that breaks is replaced at the next checkout; unheard, its error would end the process.
    this.on('error', () => {});
  }

  /** A checkout for one schema. @throws {TenantPoolExhaustedError} when none is free in time */
  lease(binding: Binding | undefined): Promise<TenantLease> {
    const startedAtMs = Date.now();
    return new Promise((resolve, reject) => {
      // Sockets and timers made in here outlive the caller, and must not keep its tenant.
      TenantContext.runDetached(() =>
        super.connect((error, client, release) => {
          if (client) return resolve(this.#leaseOf(client as unknown as PgClient, release, binding));
          reject(this.#acquireError(error, binding, Date.now() - startedAtMs));
        }),
      );
    });
  }

  /** An unbound checkout, as pg's. What it sends resolves no unqualified name. */
  override connect(): Promise<never>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<never> | void {
    const leased = this.lease(undefined);
    if (!callback) return leased as Promise<unknown> as Promise<never>;
    const bound = TenantContext.bind(callback);
    leased.then(
      (lease) => bound(undefined, lease, lease.release),
      (error: Error) => bound(error, undefined, () => {}),
    );
  }

  #leaseOf(client: PgClient, release: Release, binding: Binding | undefined): TenantLease {
    let facts = this.#facts.get(client);
    if (!facts) this.#facts.set(client, (facts = newConnectionFacts()));
    const { schemas } = facts;
    const giveBack: Release = (destroy) =>
      release(destroy || schemas.size >= this.#config.maxSchemasPerConnection);
    return new TenantLease(client, facts, giveBack, { binding, extendedOnly: this.#config.extendedOnly });
  }

  #acquireError(error: Error | undefined, binding: Binding | undefined, waitedMs: number): Error | undefined {
    const exhausted = error?.message === 'timeout exceeded when trying to connect';
    return exhausted
      ? new TenantPoolExhaustedError(binding?.schema, this.options.max, waitedMs, error)
      : error;
  }
}

/** Defaults of a new session, which win over those of the role and the database, and to which RESET goes back. */
function startupOptions({
  connectionString,
  options,
}: pg.PoolConfig): Pick<pg.PoolConfig, 'connectionString' | 'options'> {
  if (connectionString === undefined || !URL.canParse(connectionString)) return { options: unbound(options) };
  // pg lets the options in a URL replace all others, and these with them.
  const url = new URL(connectionString);
  const own = url.searchParams.get('options') ?? options;
  url.searchParams.delete('options');
  return { connectionString: url.href, options: unbound(own) };
}

function unbound(own: string | undefined): string {
  return [own, `-c search_path=${UNBOUND_SEARCH_PATH}`, '-c role=none'].filter(Boolean).join(' ');
}
