import pg from 'pg';
import type { IsolationLevel } from '../datasource/tenant-data-source.options.js';
import type { TenantPoolOptions } from '../pool/tenant-pool.options.js';
import type { IsolationFinding } from './finding.js';

/** What answers the doctor's questions: one connection that stays the same. */
export interface DoctorSession {
  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<readonly Row[]>;
  /** Process id that the server, or whatever stands in front of it, gave this connection. */
  readonly processID: number | null;
  /** A second connection while this one is open; `undefined` where there can be none. */
  readonly another?: () => Promise<DoctorSession & { release(): void }>;
}

/** What is inspected, and what was learnt about it before the checks run. */
export interface Subject {
  readonly level: IsolationLevel;
  readonly centralSchema: string;
  readonly extensionSchemas: readonly string[];
  /** Names of the entities' tables. */
  readonly tables: readonly string[];
  /** Tables that every schema has, central or not. */
  readonly bookkeeping: readonly string[];
  /** The session comes from the application's own pool, with its start-up parameters. */
  readonly ownPool: boolean;
  /** What the application was told to expect between itself and PostgreSQL. */
  readonly pooler: NonNullable<TenantPoolOptions['pooler']>;
  readonly login: string;
  readonly database: string;
}

export interface Check {
  /** Levels whose promise is at stake. */
  readonly levels: readonly IsolationLevel[];
  /** Cost grows with the tables of all tenants: left out at boot. */
  readonly thorough?: boolean;
  inspect(session: DoctorSession, subject: Subject): Promise<readonly IsolationFinding[]>;
}

export const BOTH: readonly IsolationLevel[] = ['path', 'role'];
export const ROLE: readonly IsolationLevel[] = ['role'];

/** Examples that a finding names at most; queries ask for one more, to know whether there are others. */
export const EXAMPLES = 5;

/** The first few names, and whether there are more. */
export function listed(names: readonly string[]): string {
  const more = names.length > EXAMPLES ? ', …' : '';
  return names.slice(0, EXAMPLES).join(', ') + more;
}

/** Statements that mend the named examples, one for each. */
export function statements(names: readonly string[], statementFor: (name: string) => string): string {
  const more = names.length > EXAMPLES ? '; …' : '';
  return names.slice(0, EXAMPLES).map(statementFor).join('; ') + more;
}

export const id = pg.escapeIdentifier;

/**
 * The schemas that are a tenant's: `tenant (oid, nspname, nspacl, nspowner, role)`. With roles they are known by
 * the roles that the login may take; without, a tenant's schema is every one the login uses and that is nothing else.
 *
 * Takes `$1`, the central schema, and `$2`, those of extensions.
 */
export function tenantSchemas(level: IsolationLevel): string {
  const others = `n.nspname <> $1 AND n.nspname <> ALL ($2::text[])`;
  return level === 'role'
    ? `tenant AS MATERIALIZED (
         SELECT DISTINCT ON (n.oid) n.oid, n.nspname, n.nspacl, n.nspowner, m.roleid AS role
         FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_namespace n ON n.nspname = r.rolname
         WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = session_user) AND ${others})`
    : `tenant AS MATERIALIZED (
         SELECT n.oid, n.nspname, n.nspacl, n.nspowner, NULL::oid AS role FROM pg_namespace n
         WHERE n.nspname !~ '^(pg_|information_schema$|public$)' AND ${others}
           AND has_schema_privilege(session_user, n.oid, 'USAGE'))`;
}
