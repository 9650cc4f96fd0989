import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { TenantAlreadyResolvedError, TenantContextMissingError } from './tenant-context.errors.js';
import { snapshotTenant, type Tenant } from './tenant.js';

/** `none`: nobody said; `central`: deliberately no tenant; `tenant`: this one. */
export type TenantContextState =
  | { readonly kind: 'none' }
  | { readonly kind: 'central' }
  | { readonly kind: 'tenant'; readonly tenant: Tenant };

const NONE: TenantContextState = Object.freeze({ kind: 'none' });
const CENTRAL: TenantContextState = Object.freeze({ kind: 'central' });

/**
 * What the async storage holds. A scope is opened before the tenant of a request is known and filled at
 * most once, by whoever resolved and verified it; from then on it never changes.
 */
export class TenantScope {
  #state: TenantContextState;
  readonly #parent: TenantScope | undefined;
  #isAborted = false;
  #abortListeners: Set<() => void> | undefined;

  /** @param parent the scope this one is entered in; when that is aborted, so is this */
  constructor(state: TenantContextState = NONE, parent?: TenantScope) {
    this.#state = state;
    this.#parent = parent;
  }

  get state(): TenantContextState {
    return this.#state;
  }

  /** @throws {TenantAlreadyResolvedError} when the scope is filled already. */
  enterTenant(tenant: Tenant): void {
    this.#fill({ kind: 'tenant', tenant: snapshotTenant(tenant) });
  }

  /** @throws {TenantAlreadyResolvedError} when the scope is filled already. */
  enterCentral(): void {
    this.#fill(CENTRAL);
  }

  /** Whether whoever asked for the work no longer waits for it, such as an HTTP client that hung up. */
  get isAborted(): boolean {
    return this.#isAborted || (this.#parent?.isAborted ?? false);
  }

  /** Tells, once, that nobody waits any more. For transports. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    const listeners = this.#abortListeners;
    this.#abortListeners = undefined;
    for (const listener of listeners ?? []) listener();
  }

  /** @returns takes the listener off again */
  onAbort(listener: () => void): () => void {
    // Kept by the scope of the transport itself: the nested ones are never aborted on their own.
    if (this.#parent) return this.#parent.onAbort(listener);
    const listeners = (this.#abortListeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #fill(state: TenantContextState): void {
    if (this.#state.kind !== 'none') throw new TenantAlreadyResolvedError();
    this.#state = Object.freeze(state);
  }
}

const STORAGE = Symbol.for('tenantry.context');

/** One storage per process, so that two installed copies of this package agree on the tenant in force. */
function storage(): AsyncLocalStorage<TenantScope | undefined> {
  const holder = globalThis as { [STORAGE]?: AsyncLocalStorage<TenantScope | undefined> };
  return (holder[STORAGE] ??= new AsyncLocalStorage<TenantScope | undefined>());
}

/**
 * The tenant in force for the running code and everything it awaits.
 *
 * The static members are the whole of it; an instance is the same thing for those who rather inject it.
 * A tenant is only ever entered through a function that is left again: there is no `enterWith`.
 *
 * @example
 * await TenantContext.run(tenant, async () => {
 *   await campaigns.find(); // the tenant's rows
 * });
 */
export class TenantContext {
  /** Runs `fn` for `tenant` and restores what was in force before, also when `fn` throws. May be nested. */
  static run<T>(tenant: Tenant, fn: () => T): T {
    const scope = new TenantScope(NONE, storage().getStore());
    scope.enterTenant(tenant);
    return storage().run(scope, fn);
  }

  /** Runs `fn` deliberately without a tenant, for work on central data. */
  static runCentral<T>(fn: () => T): T {
    return storage().run(new TenantScope(CENTRAL, storage().getStore()), fn);
  }

  /** Runs `fn` inside a scope that is, or will be, filled by whoever holds it. For transports. */
  static runInScope<T>(scope: TenantScope, fn: () => T): T {
    return storage().run(scope, fn);
  }

  /**
   * Runs `fn` outside of any scope. For things that outlive the caller (sockets, timers, pools): created
   * inside, they do not pin the tenant that happened to need them first.
   */
  static runDetached<T>(fn: () => T): T {
    return storage().run(undefined, fn);
  }

  /** A function that runs in the scope in force now, whoever calls it later. For callbacks kept by libraries. */
  static bind<This, Args extends unknown[], R>(
    fn: (this: This, ...args: Args) => R,
  ): (this: This, ...args: Args) => R {
    const resource = new AsyncResource('TenantContext.bind');
    return function bound(this: This, ...args) {
      return resource.runInAsyncScope(fn, this, ...args);
    };
  }

  static scope(): TenantScope | undefined {
    return storage().getStore();
  }

  static state(): TenantContextState {
    return storage().getStore()?.state ?? NONE;
  }

  static current(): Tenant | undefined {
    const state = TenantContext.state();
    return state.kind === 'tenant' ? state.tenant : undefined;
  }

  /**
   * @param what names what needs the tenant, for the message
   * @throws {TenantContextMissingError} when no tenant is in force
   */
  static require(what?: string): Tenant {
    const state = TenantContext.state();
    if (state.kind !== 'tenant') throw new TenantContextMissingError(what, state.kind);
    return state.tenant;
  }

  run<T>(tenant: Tenant, fn: () => T): T {
    return TenantContext.run(tenant, fn);
  }

  runCentral<T>(fn: () => T): T {
    return TenantContext.runCentral(fn);
  }

  bind<This, Args extends unknown[], R>(
    fn: (this: This, ...args: Args) => R,
  ): (this: This, ...args: Args) => R {
    return TenantContext.bind(fn);
  }

  current(): Tenant | undefined {
    return TenantContext.current();
  }

  /** @throws {TenantContextMissingError} when no tenant is in force */
  require(): Tenant {
    return TenantContext.require();
  }

  /** @throws {TenantContextMissingError} when no tenant is in force */
  get id(): string {
    return this.require().id;
  }

  /** @throws {TenantContextMissingError} when no tenant is in force */
  get schema(): string {
    return this.require().schema;
  }

  /** @throws {TenantContextMissingError} when no tenant is in force */
  get metadata(): Tenant['metadata'] {
    return this.require().metadata;
  }
}
