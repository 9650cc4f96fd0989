import pg from 'pg';
import { TenantContext, type TenantScope } from '@tenantry/core';
import { UNBOUND_BINDING, UNBOUND_SEARCH_PATH, type Binding } from '../binding/binding.js';
import type { PgClient } from '../binding/pg-internals.js';
import { newConnectionFacts, type ConnectionFacts } from './connection-facts.js';
import { TenantLease } from './tenant-lease.js';
import { ConnectionShares } from './connection-shares.js';
import { DatabaseUnavailableError, TenantPoolExhaustedError } from './tenant-pool.errors.js';
import type { ResolvedTenantPoolOptions } from './tenant-pool.options.js';

type Release = (destroy?: Error | boolean) => void;
type ConnectCallback = (error: Error | undefined, lease: TenantLease | undefined, release: Release) => void;

export interface TenantPoolConfig extends pg.PoolConfig {
  readonly tenantry: ResolvedTenantPoolOptions & {
    /** See `LeaseOptions.extendedOnly`. */
    readonly extendedOnly: boolean;
    /** The one schema that is no tenant's, and may have the whole pool. */
    readonly centralSchema?: string;
  };
}

export interface TenantPoolGauges {
  /** Open connections, idle and leased. */
  readonly connections: number;
  readonly idle: number;
  readonly leased: number;
  /** Callers that wait for any connection. */
  readonly waiting: number;
  /** Callers that wait because their own tenant has all the connections it may have. */
  readonly waitingForShare: number;
  /** Checkouts that had to wait, since the pool was made; with `waitedMs`, their mean. */
  readonly waits: number;
  readonly waitedMs: number;
  /** Connections ended at release instead of returned, since the pool was made. */
  readonly destroyed: number;
}

interface LeaseRequest {
  readonly binding: Binding | undefined;
  readonly scope: TenantScope | undefined;
  readonly startedAtMs: number;
}

/**
 * One pool for all tenants of a PostgreSQL server. Its connections belong to nobody: each checkout is a
 * {@link TenantLease} that carries its tenant in every batch.
 */
export class TenantPool extends pg.Pool {
  readonly #facts = new WeakMap<object, ConnectionFacts>();
  readonly #config: TenantPoolConfig['tenantry'];
  readonly #shares: ConnectionShares;
  /** Connections that a request or run is holding, to tell a caller that waits for itself. */
  readonly #held = new WeakMap<TenantScope, number>();
  readonly #sums = { waits: 0, waitedMs: 0, destroyed: 0 };

  constructor({ tenantry, ...config }: TenantPoolConfig) {
    super({
      ...config,
      connectionTimeoutMillis: tenantry.acquireTimeoutMs,
      ...(tenantry.pooler === 'none' && startupOptions(config)),
    });
    this.#config = tenantry;
    const { maxConnectionsPerTenant = Math.ceil(this.options.max / 2) } = tenantry;
    this.#shares = new ConnectionShares(maxConnectionsPerTenant, tenantry.acquireTimeoutMs);
    // An idle connection that breaks is replaced at the next checkout; unheard, its error would end the process.
    this.on('error', () => {});
  }

  /**
   * A checkout for one schema.
   *
   * @throws {TenantShareExhaustedError} when the schema had all the connections it may have for too long
   * @throws {TenantPoolExhaustedError} when no connection of the pool was free in time
   * @throws {DatabaseUnavailableError} when a new connection was needed and could not be made
   */
  lease(binding: Binding | undefined): Promise<TenantLease> {
    const request: LeaseRequest = { binding, scope: TenantContext.scope(), startedAtMs: performance.now() };
    const admission = this.#isShared(binding)
      ? this.#shares.acquire(binding.schema, () => this.#heldBy(request.scope))
      : undefined;
    return admission
      ? admission.then(() => this.#checkOut(request, true))
      : this.#checkOut(request, this.#isExhausted());
  }

  /** How the pool stands, for metrics: numbers of now, and sums since it was made. */
  gauges(): TenantPoolGauges {
    return {
      connections: this.totalCount,
      idle: this.idleCount,
      leased: this.totalCount - this.idleCount,
      waiting: this.waitingCount,
      waitingForShare: this.#shares.waitingCount,
      ...this.#sums,
    };
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

  #checkOut(request: LeaseRequest, waits: boolean): Promise<TenantLease> {
    return new Promise((resolve, reject) => {
      // Sockets and timers made in here outlive the caller, and must not keep its tenant.
      TenantContext.runDetached(() =>
        super.connect((error, client, release) => {
          const waitedMs = performance.now() - request.startedAtMs;
          if (waits) this.#sums.waits++;
          if (waits) this.#sums.waitedMs += waitedMs;
          if (client) return resolve(this.#leaseOf(client as unknown as PgClient, release, request));
          this.#releaseShare(request.binding);
          reject(this.#acquireError(error, request, Math.round(waitedMs)));
        }),
      );
    });
  }

  #isShared(binding: Binding | undefined): binding is Binding {
    return binding !== undefined && binding.schema !== this.#config.centralSchema;
  }

  #releaseShare(binding: Binding | undefined): void {
    if (this.#isShared(binding)) this.#shares.release(binding.schema);
  }

  #isExhausted(): boolean {
    return this.idleCount === 0 && this.totalCount >= this.options.max;
  }

  #leaseOf(client: PgClient, release: Release, { binding, scope }: LeaseRequest): TenantLease {
    const { maxSchemasPerConnection, extendedOnly, cancelOnAbort, pooler } = this.#config;
    let facts = this.#facts.get(client);
    if (!facts) this.#facts.set(client, (facts = newConnectionFacts(pooler === 'none')));
    const { schemas } = facts;
    if (scope) this.#held.set(scope, this.#heldBy(scope) + 1);
    const giveBack: Release = (destroy) => {
      const ends = destroy || schemas.size >= maxSchemasPerConnection;
      if (ends) this.#sums.destroyed++;
      if (scope) this.#held.set(scope, this.#heldBy(scope) - 1);
      this.#releaseShare(binding);
      release(ends);
    };
    return new TenantLease(client, facts, giveBack, {
      // Behind a pooler the session may be anybody's last one: what is unbound has to say so.
      binding: binding ?? (pooler === 'none' ? undefined : UNBOUND_BINDING),
      extendedOnly,
      hasSession: pooler === 'none',
      abortableBy: cancelOnAbort ? scope : undefined,
    });
  }

  #heldBy(scope: TenantScope | undefined): number {
    return (scope && this.#held.get(scope)) ?? 0;
  }

  #acquireError(
    error: Error | undefined,
    { binding, scope }: LeaseRequest,
    waitedMs: number,
  ): Error | undefined {
    if (error?.message !== 'timeout exceeded when trying to connect')
      return new DatabaseUnavailableError(error);
    return new TenantPoolExhaustedError(
      binding?.schema,
      this.options.max,
      waitedMs,
      this.#heldBy(scope),
      error,
    );
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
