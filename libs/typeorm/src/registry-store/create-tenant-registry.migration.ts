import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables of the registry, in the central schema. */
export class CreateTenantRegistry1700000000000 implements MigrationInterface {
  readonly name = 'CreateTenantRegistry1700000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE tenants (
        id uuid PRIMARY KEY,
        slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
        name text NOT NULL,
        schema_name text NOT NULL UNIQUE CHECK (schema_name ~ '^[a-z_][a-z0-9_]{0,62}$'),
        status text NOT NULL CHECK (status IN ('provisioning', 'active', 'suspended', 'archived', 'failed')),
        tier text NOT NULL,
        cluster text NOT NULL,
        metadata jsonb NOT NULL DEFAULT '{}',
        generation integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    await queryRunner.query(`CREATE INDEX tenants_by_age ON tenants (created_at, id)`);
    await queryRunner.query(`
      CREATE TABLE tenant_domains (
        domain text PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE INDEX tenant_domains_by_tenant ON tenant_domains (tenant_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE tenant_domains`);
    await queryRunner.query(`DROP TABLE tenants`);
  }
}
