import { TenantContext, TenantContextMissingError, type Tenant } from '@tenantry/core';
import { TenantDataSource } from '@tenantry/typeorm';
import {
  Column,
  Entity,
  Index,
  ManyToMany,
  JoinTable,
  ManyToOne,
  PrimaryGeneratedColumn,
  ViewColumn,
  ViewEntity,
  type MigrationInterface,
  type QueryRunner,
  type Relation,
} from 'typeorm';
import type { TenantDatabase } from '@tenantry/typeorm/testing';
import pg from 'pg';
import { openTenantDatabase } from '../support/tenant-database.js';

@Entity()
class Room {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @PrimaryGeneratedColumn('increment')
  number!: number;

  @Column('enum', { enum: ['free', 'taken'], default: 'free' })
  @Index()
  state!: string;

  @Column({ type: 'text', generatedType: 'STORED', asExpression: `'room'::text` })
  label!: string;
}

@Entity()
class Guest {
  @PrimaryGeneratedColumn('identity')
  id!: number;

  @Column('text')
  name!: string;

  @ManyToOne(() => Guest, { nullable: true, onDelete: 'CASCADE' })
  host!: Relation<Guest> | null;

  @ManyToMany(() => Guest)
  @JoinTable()
  friends!: Relation<Guest[]>;
}

@ViewEntity({ expression: `SELECT name FROM guest` })
class GuestName {
  @ViewColumn()
  name!: string;
}

class AddVisits1710000000001 implements MigrationInterface {
  readonly name = 'AddVisits1710000000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE visit (id int PRIMARY KEY)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE visit`);
  }
}

let database: TenantDatabase;
let admin: TenantDataSource;
let client: pg.Client;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  database = await openTenantDatabase({ migrations: [], typeorm: { entities: [Room, Guest, GuestName] } });
  [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  client = new pg.Client(database.adminUrl);
  await client.connect();
  // The login of a running application may not change tables; tests may use the one that may.
  admin = await new TenantDataSource(
    {
      type: 'postgres',
      url: database.adminUrl,
      poolSize: 3,
      entities: [Room, Guest, GuestName],
      migrations: [AddVisits1710000000001],
      uuidExtension: 'pgcrypto',
    },
    { isolation: { level: 'path' } },
  ).initialize();
});

afterAll(async () => {
  await admin?.destroy();
  await client?.end();
  await database?.close();
});

/** Objects of one schema that depend on an object of another one of ours. */
async function crossings(): Promise<unknown[]> {
  const { rows } = await client.query(
    `WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname = ANY($1)),
       object AS (
         SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class
         UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type
         UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace FROM pg_constraint
         UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
         UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, c.relnamespace FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
         UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, c.relnamespace FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
         UNION ALL SELECT 'pg_trigger'::regclass, t.oid, c.relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid)
     SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS needs
     FROM pg_depend d
     JOIN object a ON (a.class, a.oid) = (d.classid, d.objid)
     JOIN object b ON (b.class, b.oid) = (d.refclassid, d.refobjid)
     WHERE a.schema <> b.schema AND (a.schema IN (SELECT oid FROM ours) OR b.schema IN (SELECT oid FROM ours))
       AND 'pg_toast'::regnamespace <> a.schema AND 'pg_catalog'::regnamespace <> b.schema`,
    [[acme.schema, globex.schema, database.isolation.centralSchema]],
  );
  return rows;
}

/** Kinds and names of what is in a schema. */
async function contents(schema: string): Promise<string[]> {
  const { rows } = await client.query<{ object: string }>(
    `SELECT relkind::text || ' ' || relname AS object FROM pg_class WHERE relnamespace = to_regnamespace($1)
     UNION ALL SELECT 'e ' || typname FROM pg_type WHERE typnamespace = to_regnamespace($1) AND typtype = 'e' ORDER BY 1`,
    [schema],
  );
  return rows.map(({ object }) => object);
}

describe('synchronize() on an admin data source', () => {
  it('makes the tables of one tenant and leaves those of others alone', async () => {
    const before = await contents(globex.schema);
    await TenantContext.run(acme, () => admin.synchronize());
    expect(await contents(acme.schema)).toEqual(
      expect.arrayContaining(['e room_state_enum', 'r guest', 'r room', 'v guest_name']),
    );
    expect(await contents(globex.schema)).toEqual(before);
  });

  it('makes the same for another tenant, and has nothing to do the second time', async () => {
    await TenantContext.run(globex, () => admin.synchronize());
    expect(await contents(globex.schema)).toEqual(await contents(acme.schema));
    for (const tenant of [acme, globex]) {
      const { upQueries } = await admin.views.forTenant(tenant).driver.createSchemaBuilder().log();
      expect(upQueries).toEqual([]);
    }
  });

  it('makes nothing that needs an object of another schema', async () => {
    expect(await crossings()).toEqual([]);
    // The query above does see what crosses over.
    await client.query(`ALTER TABLE "${acme.schema}".guest ADD other "${globex.schema}".room_state_enum`);
    expect(await crossings()).not.toEqual([]);
    await client.query(`ALTER TABLE "${acme.schema}".guest DROP other`);
  });

  it('needs a context', async () => {
    await expect(async () => admin.synchronize()).rejects.toThrow(TenantContextMissingError);
  });

  it("is not the application's to run: its login may not create tables", async () => {
    const attempt = TenantContext.run(acme, () => database.dataSource.query('CREATE TABLE own (id int)'));
    await expect(attempt).rejects.toThrow(/permission denied for schema/);
  });
});

describe('the migrations of a view', () => {
  it('run, are listed and are undone for one tenant', async () => {
    const [view, other] = [admin.views.forTenant(acme), admin.views.forTenant(globex)];
    expect([await view.showMigrations(), await other.showMigrations()]).toEqual([true, true]);
    const [done] = await view.runMigrations();
    expect(done?.name).toBe('AddVisits1710000000001');
    expect([await view.showMigrations(), await other.showMigrations()]).toEqual([false, true]);
    expect(await contents(acme.schema)).toContain('r visit');
    expect(await contents(globex.schema)).not.toContain('r visit');
    await view.undoLastMigration();
    expect(await contents(acme.schema)).not.toContain('r visit');
  });

  it('are those of the tenant in force when the routed data source is asked', async () => {
    await TenantContext.run(globex, () => admin.runMigrations());
    expect(await TenantContext.run(globex, () => admin.showMigrations())).toBe(false);
    expect(await TenantContext.run(acme, () => admin.showMigrations())).toBe(true);
    await TenantContext.run(globex, () => admin.undoLastMigration());
    await expect(async () => admin.runMigrations()).rejects.toThrow(TenantContextMissingError);
    await expect(async () => admin.showMigrations()).rejects.toThrow(TenantContextMissingError);
    await expect(async () => admin.undoLastMigration()).rejects.toThrow(TenantContextMissingError);
  });
});

describe('dropping', () => {
  it('empties the schema of one tenant and no other', async () => {
    const before = await contents(globex.schema);
    await TenantContext.run(acme, () => admin.dropDatabase());
    expect(await contents(acme.schema)).not.toContain('r guest');
    expect(await contents(globex.schema)).toEqual(before);
  });

  it('needs a context', async () => {
    await expect(async () => admin.dropDatabase()).rejects.toThrow(TenantContextMissingError);
  });
});
