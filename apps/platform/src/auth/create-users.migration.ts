import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Central tables, beside those of the registry. */
export class CreateUsers1720000000000 implements MigrationInterface {
  readonly name = 'CreateUsers1720000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE users (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        email text NOT NULL UNIQUE CHECK (email = lower(email)),
        password_hash text NOT NULL,
        is_operator boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    await queryRunner.query(`
      CREATE TABLE memberships (
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        roles text[] NOT NULL DEFAULT '{}',
        PRIMARY KEY (user_id, tenant_id)
      )`);
    await queryRunner.query(`CREATE INDEX memberships_by_tenant ON memberships (tenant_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE memberships`);
    await queryRunner.query(`DROP TABLE users`);
  }
}
