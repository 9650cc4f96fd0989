import {
  Column,
  Entity,
  EntitySchema,
  PrimaryColumn,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';

@Entity('note')
export class Note {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  text!: string;
}

export interface Tag {
  id: number;
  label: string;
}

/** An entity without a class. */
export const TagSchema = new EntitySchema<Tag>({
  name: 'tag',
  columns: { id: { type: 'int', primary: true }, label: { type: 'text' } },
});

export class CreateNotes1700000001000 implements MigrationInterface {
  readonly name = 'CreateNotes1700000001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL)');
    await queryRunner.query('CREATE TABLE tag (id int PRIMARY KEY, label text NOT NULL)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE note, tag');
  }
}
