import { TenantContext, type Tenant } from '@tenantry/core';
import type { TenantDatabase, TenantDatabaseOptions } from '@tenantry/typeorm/testing';
import {
  BaseEntity,
  Column,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  type MigrationInterface,
  type QueryRunner,
  type Relation,
} from 'typeorm';
import { openTenantDatabase } from '../support/tenant-database.js';

/** A small model with every way of loading a relation. Ids are given, so that two tenants can have the same. */
@Entity('author')
export class Author {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;

  @OneToMany(() => Book, (book) => book.author)
  books!: Relation<Book[]>;
}

@Entity('book')
export class Book {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  title!: string;

  @ManyToOne(() => Author, (author) => author.books, { eager: true, nullable: true })
  author!: Relation<Author> | null;

  @ManyToMany(() => Shelf, { lazy: true })
  @JoinTable({ name: 'book_shelf', joinColumn: { name: 'bookId' }, inverseJoinColumn: { name: 'shelfId' } })
  shelves!: Promise<Shelf[]>;

  @ManyToOne(() => Author, { lazy: true, nullable: true })
  translator!: Promise<Relation<Author> | null>;
}

@Entity('shelf')
export class Shelf {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  label!: string;
}

/** Active record. */
@Entity('note')
export class Note extends BaseEntity {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  text!: string;
}

export const LIBRARY = [Author, Book, Shelf, Note];

export class CreateLibrary1710000000000 implements MigrationInterface {
  readonly name = 'CreateLibrary1710000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL)`);
    await queryRunner.query(
      `CREATE TABLE book (id int PRIMARY KEY, title text NOT NULL,
         "authorId" int REFERENCES author DEFERRABLE INITIALLY DEFERRED, "translatorId" int REFERENCES author)`,
    );
    await queryRunner.query(`CREATE TABLE shelf (id int PRIMARY KEY, label text NOT NULL)`);
    await queryRunner.query(
      `CREATE TABLE book_shelf ("bookId" int REFERENCES book ON DELETE CASCADE, "shelfId" int REFERENCES shelf ON DELETE CASCADE,
         PRIMARY KEY ("bookId", "shelfId"))`,
    );
    await queryRunner.query(`CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE note, book_shelf, shelf, book, author`);
  }
}

/** The same rows for every tenant but for the tenant's own name in them. */
export async function seedLibrary(query: (sql: string) => Promise<unknown>, name: string): Promise<void> {
  await query(`INSERT INTO author VALUES (1, 'author of ${name}'), (2, 'translator of ${name}')`);
  await query(`INSERT INTO book VALUES (1, 'book of ${name}', 1, 2)`);
  await query(`INSERT INTO shelf VALUES (1, 'shelf of ${name}')`);
  await query(`INSERT INTO book_shelf VALUES (1, 1)`);
  await query(`INSERT INTO note VALUES (1, 'note of ${name}')`);
}

/** Two tenants, each with the library. */
export interface TwoLibraries {
  readonly database: TenantDatabase;
  readonly acme: Tenant;
  readonly globex: Tenant;
}

export async function openTwoLibraries(options: Partial<TenantDatabaseOptions> = {}): Promise<TwoLibraries> {
  const database = await openTenantDatabase({
    migrations: [CreateLibrary1710000000000],
    typeorm: { entities: LIBRARY, poolSize: 4 },
    ...options,
  });
  const [acme, globex] = [await database.createTenant('acme'), await database.createTenant('globex')];
  for (const tenant of [acme, globex]) {
    await TenantContext.run(tenant, () => seedLibrary((sql) => database.dataSource.query(sql), tenant.slug));
  }
  return { database, acme, globex };
}
