import type * as Binding from '../../src/binding/binding.js';
import type * as Prelude from '../../src/binding/prelude.js';
import type * as Rules from '../../src/binding/rules.js';
import type * as StatementKind from '../../src/binding/statement-kind.js';
import type * as Lease from '../../src/pool/tenant-lease.js';

/** The engine with one rule taken out. */
export interface Mutant {
  /** The rule, as the law says it. */
  readonly rule: string;
  /** How its absence shows: red for another reason would be a broken test, not a caught mutant. */
  readonly seen: RegExp;
  /** Called inside `jest.isolateModules`. */
  readonly mutate: () => void;
}

const RULES = '../../src/binding/rules.js';
const BINDING = '../../src/binding/binding.js';
const PRELUDE = '../../src/binding/prelude.js';
const STATEMENT_KIND = '../../src/binding/statement-kind.js';
const LEASE = '../../src/pool/tenant-lease.js';

/** Takes every mutation back, for engines that are loaded from now on. */
export function restoreLaw(): void {
  jest.resetModules();
  for (const path of [RULES, BINDING, PRELUDE, STATEMENT_KIND, LEASE]) jest.dontMock(path);
}

function breakRules(broken: (law: typeof Rules) => Partial<typeof Rules>): () => void {
  return () => {
    const law = jest.requireActual<typeof Rules>(RULES);
    jest.doMock(RULES, () => ({ ...law, ...broken(law) }));
  };
}

function breakPath(searchPath: (schema: string) => string): () => void {
  return () => {
    const actual = jest.requireActual<typeof Binding>(BINDING);
    jest.doMock(BINDING, () => ({
      ...actual,
      createBinding: (...args: Parameters<typeof Binding.createBinding>) => ({
        ...actual.createBinding(...args),
        searchPath: searchPath(args[0]),
      }),
    }));
  };
}

export const MUTANTS: readonly Mutant[] = [
  {
    rule: 'the binding and its statement share one Sync',
    seen: /^(ghost|missing|unbound) got| read |does not exist/,
    mutate: bindInOwnRoundTrip,
  },
  {
    rule: 'every batch outside of a transaction carries its binding',
    seen: /does not exist|instead of TENANT_/,
    mutate: breakRules((law) => ({
      carriesBinding: (status, bound) => status !== 'I' && law.carriesBinding(status, bound),
    })),
  },
  {
    rule: 'the first batch of a transaction carries its binding',
    seen: /does not exist/,
    mutate: breakRules((law) => ({
      carriesBinding: (status, bound) => status !== 'T' && law.carriesBinding(status, bound),
    })),
  },
  {
    rule: 'nothing extra is sent in a failed transaction',
    seen: /current transaction is aborted/,
    mutate: breakRules(() => ({ carriesBinding: () => true })),
  },
  {
    rule: 'the binding ends with its transaction, also under AND CHAIN',
    seen: /does not exist/,
    mutate: breakRules(() => ({ endsBinding: () => false })),
  },
  {
    rule: 'a COMMIT answered with ROLLBACK is an error',
    seen: /COMMIT of a failed transaction succeeded/,
    mutate: breakRules(() => ({ commitWasRolledBack: () => false })),
  },
  {
    rule: 'VACUUM and procedures go alone',
    seen: /invalid transaction termination|cannot run inside a transaction|cannot be executed from a (function|multi-command|pipeline)/,
    mutate: breakRules(() => ({ goesAlone: () => false })),
  },
  {
    rule: 'a connection with an open transaction is destroyed',
    seen: /serves again/,
    mutate: breakRules((law) => ({ mustDestroy: (end) => law.mustDestroy({ ...end, status: 'I' }) })),
  },
  {
    rule: 'a connection is destroyed after a client-side timeout, or with statements still running',
    seen: /serves again/,
    mutate: breakRules((law) => ({
      mustDestroy: (end) => law.mustDestroy({ ...end, busy: false, unsure: false }),
    })),
  },
  {
    rule: 'a connection with session state is destroyed',
    seen: /serves again/,
    mutate: breakRules((law) => ({ mustDestroy: (end) => law.mustDestroy({ ...end, tainted: false }) })),
  },
  {
    rule: 'statements that leave session state are noticed',
    seen: /serves again/,
    mutate: overlookSessionState,
  },
  {
    rule: 'an unbound connection has a path that does not exist',
    seen: /^unbound got .*PUBLIC/,
    mutate: breakUnboundPath,
  },
  { rule: 'pg_temp is last in the path', seen: /read TEMP/, mutate: breakPath((schema) => `"${schema}"`) },
  {
    rule: 'public is not in the path',
    seen: /that only public has succeeded/,
    mutate: breakPath((schema) => `"${schema}", public, pg_temp`),
  },
  { rule: 'a missing schema fails the lease', seen: /^missing got 42P01/, mutate: tolerateMissingSchemas },
  {
    rule: 'a lease dies when it is released',
    seen: /a query after release succeeded/,
    mutate: outliveRelease,
  },
];

/** The path that PostgreSQL gives to everybody. */
function breakUnboundPath(): void {
  const actual = jest.requireActual<typeof Binding>(BINDING);
  jest.doMock(BINDING, () => ({ ...actual, UNBOUND_SEARCH_PATH: '"$user",public' }));
}

/** A session SET as its own query, whose error nobody looks at: what most tenancy code does. */
function bindInOwnRoundTrip(): void {
  const actual = jest.requireActual<typeof Lease>(LEASE);
  class SeparatelyBound extends actual.TenantLease {
    readonly #bind: () => void;

    constructor(...[client, facts, giveBack, options]: ConstructorParameters<typeof Lease.TenantLease>) {
      super(client, facts, giveBack, { ...options, binding: undefined });
      const { searchPath, role } = options.binding ?? {};
      const sql = `SELECT set_config('search_path', '${searchPath}', false), set_config('role', '${role}', false)`;
      this.#bind = () => void (searchPath && client.query(sql).catch(() => {}));
    }

    override query(...args: Parameters<Lease.TenantLease['query']>): unknown {
      this.#bind();
      return super.query(...args);
    }
  }
  jest.doMock(LEASE, () => ({ ...actual, TenantLease: SeparatelyBound }));
}

function overlookSessionState(): void {
  const actual = jest.requireActual<typeof StatementKind>(STATEMENT_KIND);
  jest.doMock(STATEMENT_KIND, () => ({ ...actual, leavesSessionState: () => false }));
}

/** Asks for a schema that is always there instead of the one that is bound. */
function blind(prelude: Prelude.Prelude): Prelude.Prelude {
  return { ...prelude, binding: prelude.binding && { ...prelude.binding, schema: 'pg_catalog' } };
}

/** Binds a path without asking whether the schema is there. */
function tolerateMissingSchemas(): void {
  const actual = jest.requireActual<typeof Prelude>(PRELUDE);
  jest.doMock(PRELUDE, () => ({
    ...actual,
    encodePrelude: (...[prelude, prepared]: Parameters<typeof Prelude.encodePrelude>) =>
      actual.encodePrelude(blind(prelude), prepared),
    simpleText: (prelude: Prelude.Prelude) => actual.simpleText(blind(prelude)),
  }));
}

function outliveRelease(): void {
  const actual = jest.requireActual<typeof Lease>(LEASE);
  class Immortal extends actual.TenantLease {
    readonly #raw: (text: string) => unknown;

    constructor(...args: ConstructorParameters<typeof Lease.TenantLease>) {
      super(...args);
      this.#raw = (text) => args[0].query(text);
    }

    override query(...args: Parameters<Lease.TenantLease['query']>): unknown {
      const answer = super.query(...args);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: { code?: string }) => {
        if (error.code === 'LEASE_RELEASED') return this.#raw(args[0] as string);
        throw error;
      });
    }
  }
  jest.doMock(LEASE, () => ({ ...actual, TenantLease: Immortal }));
}
