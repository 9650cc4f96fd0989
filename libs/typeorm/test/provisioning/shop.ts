import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What migrations of real applications hold: several statements in one text, an enum, a function, a trigger, a block. */
export class CreateShop1700000001000 implements MigrationInterface {
  readonly name = 'CreateShop1700000001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TYPE order_status AS ENUM ('open', 'paid');
      CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL);
      CREATE TABLE "order" (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        customer_id int NOT NULL REFERENCES customer,
        status order_status NOT NULL DEFAULT 'open',
        changes int NOT NULL DEFAULT 0
      );
      CREATE INDEX order_by_customer ON "order" (customer_id);
      CREATE VIEW paid AS SELECT * FROM "order" WHERE status = 'paid';
    `);
    await queryRunner.query(`
      CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.changes := OLD.changes + 1;
        RETURN NEW;
      END; $$;
      CREATE TRIGGER count_change BEFORE UPDATE ON "order" FOR EACH ROW EXECUTE FUNCTION count_change();
    `);
    await queryRunner.query(`DO $$ BEGIN INSERT INTO customer (name) VALUES ('first; of all'); END $$`);
  }

  async down(): Promise<void> {}
}

export class AddDiscount1700000002000 implements MigrationInterface {
  readonly name = 'AddDiscount1700000002000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE customer ADD discount int NOT NULL DEFAULT 0`);
    await queryRunner.query(`REVOKE UPDATE, DELETE ON customer FROM PUBLIC`);
    await queryRunner.query(
      `DO $$ BEGIN EXECUTE format('REVOKE DELETE ON customer FROM %I', current_schema()); END $$`,
    );
  }

  async down(): Promise<void> {}
}
