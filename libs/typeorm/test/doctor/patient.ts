import pg from 'pg';
import { TenantContext, type Tenant } from '@tenantry/core';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { openTenantDatabase } from '../../../../test/support/tenant-database.js';
import type { IsolationFinding } from '../../src/doctor/finding.js';
import { inspectIsolation, type InspectionOptions } from '../../src/doctor/inspect-isolation.js';

class CreateOrders1720000000000 implements MigrationInterface {
  readonly name = 'CreateOrders1720000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE TABLE orders (id int PRIMARY KEY)');
  }

  async down(): Promise<void> {}
}

/** A database that is as it should be, with two tenants, to be made ill. */
export interface Patient {
  readonly admin: pg.Client;
  readonly database: TenantDatabase;
  readonly acme: Tenant;
  readonly globex: Tenant;
  readonly login: string;
  readonly isolation: NonNullable<InspectionOptions['isolation']>;
  /** Fills in `%login`, `%a`, `%b`, `%db` and `%central`, as superuser. */
  run(sql: string): Promise<void>;
  examine(options?: InspectionOptions): Promise<readonly IsolationFinding[]>;
  close(): Promise<void>;
}

export async function openPatient(): Promise<Patient> {
  const isolation = { extensionSchemas: ['ext'] };
  const database = await openTenantDatabase({ migrations: [CreateOrders1720000000000], isolation });
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  await admin.query('CREATE SCHEMA ext');
  const [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  const login = new URL(database.runtimeUrl).username;
  const { rows } = await admin.query<{ db: string; central: string }>(
    `SELECT current_database() AS db, (SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
       JOIN pg_roles l ON l.oid = m.member WHERE l.rolname = $1 AND r.rolname LIKE 'central%') AS central`,
    [login],
  );
  const names = { ...rows[0]!, login, a: acme.schema, b: globex.schema };
  const whole = { ...isolation, centralRole: names.central };
  return {
    admin,
    database,
    acme,
    globex,
    login,
    isolation: whole,
    run: async (sql) => {
      await admin.query(
        sql.replaceAll(/%(login|a|b|db|central)\b/g, (_, name: keyof typeof names) => `"${names[name]}"`),
      );
    },
    // What has no tenant in force is asked without one.
    examine: (options = {}) =>
      TenantContext.runDetached(() =>
        inspectIsolation(database.dataSource, { isolation: whole, tables: ['orders'], ...options }),
      ),
    close: async () => {
      await admin.end();
      await database.close();
    },
  };
}
