import pg from 'pg';
import { schemaNameFor, TenancyConfigurationError } from '@tenantry/core';
import type { QueryRunner } from 'typeorm';

export interface GuardTableOptions {
  /** Whose table it is. Default: the tenant that the migrated schema is named after. */
  readonly tenantId?: string;
}

/** Name of the column, and the end of its constraint's. */
const COLUMN = 'tenant_id';

/**
 * For migrations of tenants: gives a table a column `tenant_id` that can hold one value, the id of the tenant whose
 * schema is being migrated. The database fills it in, and refuses any other, so that rows of one tenant cannot get into
 * another's schema by a mix-up of exports, imports or connections: the first such row fails with 23514.
 *
 * Rows that are there already get the id too. It is no protection from SQL, and reading is not affected.
 *
 * The id stands in the schema's own definitions, so a copy of the schema for another tenant is made by migrations, and
 * not by copying definitions. TypeORM's `migration:generate` does not know of the constraint and proposes to drop it:
 * take that line out.
 *
 * @param table name without a schema, as in the migration's other statements
 * @throws {TenancyConfigurationError} when the schema is not named after a tenant and no id is given
 * @example
 * async up(queryRunner: QueryRunner) {
 *   await queryRunner.query('CREATE TABLE orders (…)');
 *   await guardTable(queryRunner, 'orders');
 * }
 */
export async function guardTable(
  queryRunner: QueryRunner,
  table: string,
  options: GuardTableOptions = {},
): Promise<void> {
  const id = pg.escapeLiteral(options.tenantId ?? (await migratedTenant(queryRunner)));
  await queryRunner.query(
    `ALTER TABLE ${pg.escapeIdentifier(table)}
       ADD COLUMN ${COLUMN} uuid NOT NULL DEFAULT ${id},
       ADD CONSTRAINT ${constraintOf(table)} CHECK (${COLUMN} = ${id})`,
  );
}

/** Takes back what {@link guardTable} did, for the migration's `down`. */
export async function unguardTable(queryRunner: QueryRunner, table: string): Promise<void> {
  // The constraint goes with its only column.
  await queryRunner.query(`ALTER TABLE ${pg.escapeIdentifier(table)} DROP COLUMN ${COLUMN}`);
}

function constraintOf(table: string): string {
  // PostgreSQL would cut a longer name off at its end, where it says what it is.
  return pg.escapeIdentifier(`${table.slice(0, 63 - COLUMN.length - '__check'.length)}_${COLUMN}_check`);
}

async function migratedTenant(queryRunner: QueryRunner): Promise<string> {
  const [{ schema }] = (await queryRunner.query('SELECT current_schema() AS schema')) as [
    { schema: string | null },
  ];
  const id = (schema ?? '').replace(/^tenant_/, '').replaceAll('_', '-');
  if (!isNamedAfter(schema, id)) {
    throw new TenancyConfigurationError(
      `Schema '${schema}' is not named after a tenant's id: call guardTable(queryRunner, table, { tenantId }).`,
    );
  }
  return id;
}

function isNamedAfter(schema: string | null, id: string): boolean {
  try {
    return schemaNameFor(id) === schema;
  } catch {
    return false;
  }
}
