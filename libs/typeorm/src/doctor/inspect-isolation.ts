import pg from 'pg';
import { DataSource } from 'typeorm';
import { TenantPool } from '../pool/tenant-pool.js';
import type { TenantPoolOptions } from '../pool/tenant-pool.options.js';
import type { IsolationOptions } from '../datasource/tenant-data-source.options.js';
import { poolOf } from '../datasource/view-binding.js';
import type { Check, DoctorSession, Subject } from './check.js';
import type { IsolationFinding } from './finding.js';
import { allFunctions, sharedFunctions } from './function-checks.js';
import { loginRights, publicTools, writableSchemas } from './login-checks.js';
import { sharedNames, shadowedTables, unboundSchema } from './path-checks.js';
import { server } from './server-checks.js';
import { poolerInFront, sessionStart, settingsDrift } from './session-checks.js';
import { foreignReferences, openSchemas, openTables, tenantRoles } from './tenant-checks.js';

/** A data source or pool on the runtime login, or one session of it. */
export type Inspectable = DataSource | pg.Pool | Pick<pg.ClientBase, 'query'>;

export interface InspectionOptions {
  /** As the application has them; what is left out has the same defaults as there. */
  readonly isolation?: IsolationOptions;
  /** As in the options of the pool. Default `none`. */
  readonly pooler?: TenantPoolOptions['pooler'];
  /** Names of the entities' tables. Default: those of a data source that has them. */
  readonly tables?: readonly string[];
  /** Also looks at every table, function and dependency of all tenants, which may take seconds. Default false. */
  readonly thorough?: boolean;
}

const LOGIN_CHECKS: readonly Check[] = [loginRights, writableSchemas, publicTools];
const CHECKS: readonly Check[] = [
  ...LOGIN_CHECKS,
  tenantRoles,
  openSchemas,
  unboundSchema,
  shadowedTables,
  sharedNames,
  settingsDrift,
  sessionStart,
  poolerInFront,
  server,
];

/**
 * What PostgreSQL says about the isolation of tenants, against what it should be. Changes nothing.
 *
 * One short look-up per check, on one connection; a second one only when something else than PostgreSQL answers. What
 * grows with the number of tenants is a pass over `pg_namespace` and the memberships of the login: 0.13 s with 10,000
 * tenants (`npm run role-membership -w bench`). `thorough` reads all of `pg_class`, `pg_proc` and `pg_depend`, whose
 * size is that of all tenants' tables.
 *
 * @returns findings, those that break isolation first; empty when there is nothing to say
 * @example
 * const findings = await inspectIsolation(dataSource, { isolation, thorough: true });
 */
export async function inspectIsolation(
  inspectable: Inspectable,
  options: InspectionOptions = {},
): Promise<readonly IsolationFinding[]> {
  const checks = [
    ...CHECKS,
    ...(options.thorough ? [...allFunctions, openTables, foreignReferences] : sharedFunctions),
  ];
  return withSession(inspectable, (session) => runChecks(checks, session, inspectable, options));
}

/** The part of {@link inspectIsolation} that concerns the login alone. */
export async function inspectLogin(inspectable: Inspectable): Promise<readonly IsolationFinding[]> {
  return withSession(inspectable, (session) => runChecks(LOGIN_CHECKS, session, inspectable, {}));
}

async function runChecks(
  checks: readonly Check[],
  session: DoctorSession,
  inspectable: Inspectable,
  options: InspectionOptions,
): Promise<readonly IsolationFinding[]> {
  const subject = await subjectOf(session, inspectable, options);
  const findings: IsolationFinding[] = [];
  for (const check of checks) {
    if (check.levels.includes(subject.level)) findings.push(...(await check.inspect(session, subject)));
  }
  const breaking = findings.filter(({ severity }) => severity === 'breaks');
  return [...breaking, ...findings.filter((finding) => !breaking.includes(finding))];
}

async function subjectOf(
  session: DoctorSession,
  inspectable: Inspectable,
  { isolation = {}, pooler = 'none', tables }: InspectionOptions,
): Promise<Subject> {
  const [who] = await session.query<{ login: string; database: string }>(
    'SELECT session_user::text AS login, current_database()::text AS database',
  );
  const source = inspectable instanceof DataSource ? inspectable : undefined;
  return {
    level: isolation.level ?? 'role',
    centralSchema: isolation.centralSchema ?? 'tenantry',
    extensionSchemas: isolation.extensionSchemas ?? [],
    tables: tables ?? source?.entityMetadatas.map(({ tableName }) => tableName) ?? [],
    bookkeeping: [source?.options.migrationsTableName ?? 'migrations', 'typeorm_metadata'],
    pooler,
    ownPool: poolBehind(inspectable) instanceof TenantPool,
    ...who!,
  };
}

function poolBehind(inspectable: Inspectable): pg.Pool | undefined {
  if (inspectable instanceof DataSource) return poolOf(inspectable);
  return inspectable instanceof pg.Pool ? inspectable : undefined;
}

/** A pool is asked for one connection, without a tenant. */
async function withSession<T>(
  inspectable: Inspectable,
  work: (session: DoctorSession) => Promise<T>,
): Promise<T> {
  const pool = poolBehind(inspectable);
  if (!pool) return work(sessionOn(inspectable as pg.ClientBase));
  const client = await pool.connect();
  try {
    const another = async (): Promise<DoctorSession & { release(): void }> => {
      const second = await pool.connect();
      return { ...sessionOn(second), release: () => second.release() };
    };
    return await work({ ...sessionOn(client), ...(pool.options.max > 1 && { another }) });
  } finally {
    client.release();
  }
}

function sessionOn(client: Pick<pg.ClientBase, 'query'>): DoctorSession {
  return {
    query: async <Row>(sql: string, parameters: readonly unknown[] = []) =>
      (await client.query(sql, [...parameters])).rows as Row[],
    processID: (client as { processID?: number | null }).processID ?? null,
  };
}
