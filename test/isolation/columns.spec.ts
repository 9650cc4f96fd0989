import {
  ChildEntity,
  Column,
  CreateDateColumn,
  Entity,
  EntitySchema,
  Generated,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  UpdateDateColumn,
  VersionColumn,
  ViewColumn,
  ViewEntity,
  type DataSource,
} from 'typeorm';
import { describeSurface, numberOf, type SurfaceCase } from './surface.js';

enum Colour {
  red = 'red',
  blue = 'blue',
}

class Address {
  @Column('text', { nullable: true })
  street!: string | null;

  @Column('text', { nullable: true })
  town!: string | null;
}

@Entity()
class Item {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;

  @Column('enum', { enum: Colour, default: Colour.red })
  colour!: Colour;

  @Column('enum', { enum: Colour, array: true, default: [] })
  colours!: Colour[];

  @Column('int', { array: true, default: [] })
  sizes!: number[];

  @Column('simple-array', { default: '' })
  words!: string[];

  @Column('json', { nullable: true })
  plain!: { of: string } | null;

  @Column('jsonb', { default: '{}' })
  data!: { of?: string };

  @Column({ type: 'text', generatedType: 'STORED', asExpression: `upper("name")` })
  shout!: string;

  @Column({ type: 'bigint', default: 0, transformer: { from: Number, to: (value: number) => value } })
  amount!: number;

  @Column('bytea', { nullable: true, select: false })
  bytes!: Buffer | null;

  @Column(() => Address)
  address!: Address;

  @VersionColumn()
  version!: number;

  @CreateDateColumn()
  createdAt!: Date;

  @UpdateDateColumn()
  updatedAt!: Date;
}

@Entity()
class Numbered {
  @PrimaryGeneratedColumn('increment')
  id!: number;

  @Column('text', { nullable: true })
  name!: string | null;
}

@Entity()
class Identified {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column('text', { nullable: true })
  name!: string | null;
}

@Entity()
class Unique {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Generated('increment')
  @Column('int')
  position!: number;

  @Column('text')
  name!: string;
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Animal {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;
}

@ChildEntity()
class Dog extends Animal {
  @Column('text', { nullable: true })
  bark!: string | null;
}

@ChildEntity()
class Cat extends Animal {}

interface Planet {
  id: number;
  name: string;
}

const PlanetSchema = new EntitySchema<Planet>({
  name: 'planet',
  columns: { id: { type: 'int', primary: true }, name: { type: 'text' } },
});

@ViewEntity({
  expression: (db: DataSource) =>
    db.createQueryBuilder().select('i.id', 'id').addSelect('i.name', 'name').from(Item, 'i'),
})
class ItemName {
  @ViewColumn()
  id!: number;

  @ViewColumn()
  name!: string;
}

@ViewEntity({
  materialized: true,
  expression: `SELECT count(*)::int AS "count", max("name") AS "last" FROM "item"`,
})
class ItemSummary {
  @ViewColumn()
  count!: number;

  @ViewColumn()
  last!: string;
}

const seed = (name: string): string => `
  INSERT INTO item (id, name, colour, colours, sizes, words, plain, data, amount, bytes, "addressStreet", "addressTown", version)
    VALUES (1, 'item of ${name}', 'blue', '{red,blue}', '{${numberOf(name)},2}', '${name},x', '{"of":"${name}"}', '{"of":"${name}"}',
      ${numberOf(name)}, '${name}', 'street of ${name}', 'town', 1);
  SELECT setval('numbered_id_seq', ${numberOf(name)}), setval('identified_id_seq', ${numberOf(name)}),
    setval('unique_position_seq', ${numberOf(name)});
  INSERT INTO animal (id, name, kind, bark) VALUES (1, 'dog of ${name}', 'Dog', 'woof of ${name}'), (2, 'cat of ${name}', 'Cat', NULL);
  INSERT INTO planet VALUES (1, 'planet of ${name}');
  REFRESH MATERIALIZED VIEW item_summary;`;

const item = (db: DataSource): Promise<Item> => db.getRepository(Item).findOneByOrFail({ id: 1 });

const CASES: readonly SurfaceCase[] = [
  {
    name: 'enums and arrays of enums',
    run: async (db) => {
      const items = db.getRepository(Item);
      await items.update({ colour: Colour.blue }, { colours: [Colour.blue], colour: Colour.red });
      const [{ name, colour, colours }] = (await items.findBy({ colour: Colour.red })) as [Item];
      const [raw] = await db.query(`SELECT 'blue'::item_colour_enum > $1::item_colour_enum AS later`, [
        colour,
      ]);
      return [name, colour, colours, raw.later];
    },
    own: (s) => [`item of ${s}`, 'red', ['blue'], true],
    writes: true,
  },
  {
    name: 'arrays and simple arrays',
    run: async (db) => {
      const { sizes, words } = await item(db);
      return [sizes, words];
    },
    own: (s) => [
      [numberOf(s), 2],
      [s, 'x'],
    ],
  },
  {
    name: 'json and jsonb',
    run: async (db) => {
      const found = await db
        .createQueryBuilder(Item, 'i')
        .where(`i.data ->> 'of' = i.plain ->> 'of'`)
        .getOneOrFail();
      return [found.plain, found.data];
    },
    own: (s) => [{ of: s }, { of: s }],
  },
  {
    name: 'a computed column, after insert and update',
    run: async (db) => {
      const found = await item(db);
      found.name += '!';
      await db.getRepository(Item).save(found);
      return (await item(db)).shout;
    },
    own: (s) => `ITEM OF ${s.toUpperCase()}!`,
    writes: true,
  },
  { name: 'a transformer', run: async (db) => (await item(db)).amount, own: numberOf },
  {
    name: 'a column that is not selected',
    run: async (db) =>
      (
        await db.getRepository(Item).findOneOrFail({ where: { id: 1 }, select: { id: true, bytes: true } })
      ).bytes?.toString(),
    own: (s) => s,
  },
  {
    name: 'an embedded entity',
    run: async (db) =>
      (await db.getRepository(Item).findOneByOrFail({ address: { town: 'town' } })).address.street,
    own: (s) => `street of ${s}`,
  },
  {
    name: 'version and date columns',
    run: async (db) => {
      const found = await item(db);
      const before = found.updatedAt;
      found.name += '!';
      const saved = await db.getRepository(Item).save(found);
      return [saved.name, saved.version, saved.createdAt instanceof Date, saved.updatedAt > before];
    },
    own: (s) => [`item of ${s}!`, 2, true, true],
    writes: true,
  },
  ...[Numbered, Identified].map((kind): SurfaceCase => ({
    name: `ids of a sequence: ${kind.name}`,
    run: async (db) => {
      const rows = db.getRepository<Numbered>(kind);
      const { id } = await rows.save({ name: 'saved' });
      const { identifiers } = await rows.insert([{ name: 'a' }, { name: 'b' }]);
      return [id, ...identifiers.map((row) => row['id'])];
    },
    own: (s) => [1, 2, 3].map((step) => numberOf(s) + step),
    writes: true,
  })),
  {
    name: 'uuid ids with a generated position',
    run: async (db) => {
      const saved = await db.getRepository(Unique).save({ name: 'saved' });
      return [/^[0-9a-f-]{36}$/.test(saved.id), saved.position];
    },
    own: (s) => [true, numberOf(s) + 1],
    writes: true,
  },
  {
    name: 'single-table inheritance',
    run: async (db) => {
      const [dog] = await db.getRepository(Dog).find();
      const animals = await db.getRepository(Animal).find({ order: { id: 'ASC' } });
      return [dog?.bark, animals.map((animal) => [animal.constructor.name, animal.name])];
    },
    own: (s) => [
      `woof of ${s}`,
      [
        ['Dog', `dog of ${s}`],
        ['Cat', `cat of ${s}`],
      ],
    ],
  },
  {
    name: 'an EntitySchema, by object and by name',
    run: async (db) => [
      (await db.getRepository(PlanetSchema).findOneByOrFail({ id: 1 })).name,
      (await db.getRepository<Planet>('planet').findOneByOrFail({ id: 1 })).name,
    ],
    own: (s) => [`planet of ${s}`, `planet of ${s}`],
  },
  {
    name: 'a @ViewEntity',
    run: async (db) => (await db.getRepository(ItemName).findOneByOrFail({ id: 1 })).name,
    own: (s) => `item of ${s}`,
  },
  {
    name: 'a materialized view',
    run: (db) => db.getRepository(ItemSummary).find(),
    own: (s) => [{ count: 1, last: `item of ${s}` }],
  },
];

const surface = describeSurface('columns and entities', {
  entities: [Item, Numbered, Identified, Unique, Animal, Dog, Cat, PlanetSchema, ItemName, ItemSummary],
  seed,
  cases: CASES,
});

describe('a materialized view', () => {
  it("cannot be refreshed by a tenant's role, which does not own it", async () => {
    const { dataSource, acme, as } = surface;
    const refresh = as(acme, () => dataSource.query('REFRESH MATERIALIZED VIEW item_summary'));
    await expect(refresh).rejects.toThrow(/must be owner|permission denied/);
  });
});

describe('the enum of a tenant', () => {
  it('is a type of its own: another cannot be cast to it', async () => {
    const { admin, acme, globex } = surface;
    const cast = admin.query(
      `SELECT 'red'::"${acme.schema}".item_colour_enum = 'red'::"${globex.schema}".item_colour_enum`,
    );
    await expect(cast).rejects.toThrow(/operator does not exist/);
  });
});
