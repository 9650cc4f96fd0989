import {
  Column,
  DeleteDateColumn,
  Entity,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryColumn,
  RelationId,
  VirtualColumn,
  type Relation,
} from 'typeorm';
import { describeSurface, type SurfaceCase } from './surface.js';

@Entity()
class Profile {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  bio!: string;

  @OneToOne(() => Author, (author) => author.profile)
  author!: Relation<Author>;
}

@Entity()
class Author {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;

  @OneToOne(() => Profile, (profile) => profile.author, { eager: true, cascade: true, nullable: true })
  @JoinColumn()
  profile!: Profile | null;

  @OneToMany(() => Book, (book) => book.author, { cascade: true })
  books!: Relation<Book[]>;

  @OneToMany(() => Book, (book) => book.translator, { lazy: true })
  translations!: Promise<Book[]>;

  @VirtualColumn({ query: (alias) => `SELECT count(*)::int FROM "book" WHERE "authorId" = ${alias}.id` })
  bookCount!: number;
}

@Entity()
class Chapter {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  heading!: string;

  @ManyToOne(() => Book, (book) => book.chapters, { orphanedRowAction: 'delete' })
  book!: Relation<Book>;
}

@Entity()
class Footnote {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  text!: string;

  @ManyToOne(() => Book, (book) => book.footnotes, { orphanedRowAction: 'nullify', nullable: true })
  book!: Relation<Book> | null;
}

@Entity()
class Tag {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  label!: string;

  @ManyToMany(() => Book, (book) => book.tags)
  books!: Relation<Book[]>;
}

@Entity()
class Book {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  title!: string;

  @ManyToOne(() => Author, (author) => author.books)
  author!: Author;

  @RelationId((book: Book) => book.author)
  authorId!: number;

  @ManyToOne(() => Author, (author) => author.translations, { lazy: true, nullable: true })
  translator!: Promise<Author | null>;

  @OneToOne(() => Book, { nullable: true })
  @JoinColumn()
  sequel!: Relation<Book> | null;

  @ManyToMany(() => Tag, (tag) => tag.books, { cascade: true })
  @JoinTable()
  tags!: Tag[];

  @ManyToMany(() => Author, { lazy: true })
  @JoinTable({ name: 'book_editors' })
  editors!: Promise<Author[]>;

  @OneToMany(() => Chapter, (chapter) => chapter.book, { cascade: true })
  chapters!: Chapter[];

  @OneToMany(() => Footnote, (footnote) => footnote.book, { cascade: true })
  footnotes!: Footnote[];

  @DeleteDateColumn()
  deletedAt!: Date | null;
}

const seed = (name: string): string => `
  INSERT INTO profile (id, bio) VALUES (1, 'bio of ${name}');
  INSERT INTO author (id, name, "profileId") VALUES (1, 'author of ${name}', 1), (2, 'translator of ${name}', NULL);
  INSERT INTO book (id, title, "authorId", "translatorId", "sequelId")
    VALUES (2, 'sequel of ${name}', 1, NULL, NULL), (1, 'book of ${name}', 1, 2, 2);
  INSERT INTO tag VALUES (1, 'tag of ${name}'), (2, 'other tag of ${name}');
  INSERT INTO book_tags_tag VALUES (1, 1);
  INSERT INTO book_editors VALUES (1, 2);
  INSERT INTO chapter VALUES (1, 'chapter of ${name}', 1), (2, 'last chapter of ${name}', 1);
  INSERT INTO footnote VALUES (1, 'footnote of ${name}', 1);
  ${name === 'acme' ? `INSERT INTO book (id, title, "authorId") VALUES (3, 'only acme has it', 1)` : ''}`;

const CASES: readonly SurfaceCase[] = [
  {
    name: 'an eager one-to-one',
    run: async (db) => (await db.getRepository(Author).findOneByOrFail({ id: 1 })).profile?.bio,
    own: (s) => `bio of ${s}`,
  },
  {
    name: 'the other side of a one-to-one',
    run: async (db) =>
      (await db.getRepository(Profile).findOneOrFail({ where: { id: 1 }, relations: { author: true } }))
        .author.name,
    own: (s) => `author of ${s}`,
  },
  {
    name: 'a joined many-to-one',
    run: async (db) =>
      (await db.getRepository(Book).findOneOrFail({ where: { id: 1 }, relations: { author: true } })).author
        .name,
    own: (s) => `author of ${s}`,
  },
  ...(['join', 'query'] as const).flatMap((relationLoadStrategy): SurfaceCase[] => [
    {
      name: `a one-to-many loaded by ${relationLoadStrategy}`,
      run: async (db) => {
        const book = await db
          .getRepository(Book)
          .findOneOrFail({ where: { id: 1 }, relations: { chapters: true }, relationLoadStrategy });
        return book.chapters.map(({ heading }) => heading).toSorted();
      },
      own: (s) => [`chapter of ${s}`, `last chapter of ${s}`],
    },
    {
      name: `a many-to-many loaded by ${relationLoadStrategy}`,
      run: async (db) =>
        (
          await db
            .getRepository(Book)
            .findOneOrFail({ where: { id: 1 }, relations: { tags: true }, relationLoadStrategy })
        ).tags,
      own: (s) => [{ id: 1, label: `tag of ${s}` }],
    },
    {
      name: `a self-reference and what is behind it loaded by ${relationLoadStrategy}`,
      run: async (db) => {
        const book = await db
          .getRepository(Book)
          .findOneOrFail({ where: { id: 1 }, relations: { sequel: { author: true } }, relationLoadStrategy });
        return [book.sequel?.title, book.sequel?.author.name];
      },
      own: (s) => [`sequel of ${s}`, `author of ${s}`],
    },
  ]),
  {
    name: 'a lazy many-to-one',
    run: async (db) => (await (await db.getRepository(Book).findOneByOrFail({ id: 1 })).translator)?.name,
    own: (s) => `translator of ${s}`,
  },
  {
    name: 'a lazy one-to-many',
    run: async (db) =>
      (await (await db.getRepository(Author).findOneByOrFail({ id: 2 })).translations).map(
        ({ title }) => title,
      ),
    own: (s) => [`book of ${s}`],
  },
  {
    name: 'a lazy many-to-many',
    run: async (db) =>
      (await (await db.getRepository(Book).findOneByOrFail({ id: 1 })).editors).map(({ name }) => name),
    own: (s) => [`translator of ${s}`],
  },
  {
    name: 'a lazy relation inside of a transaction',
    run: (db) =>
      db.transaction(async (manager) => {
        const book = await manager.findOneByOrFail(Book, { id: 1 });
        await manager.update(Author, { id: 2 }, { name: () => `name || ' (changed)'` });
        return (await book.translator)?.name;
      }),
    own: (s) => `translator of ${s} (changed)`,
    writes: true,
  },
  {
    name: 'leftJoinAndSelect and leftJoinAndMapOne',
    run: async (db) => {
      const book = await db
        .createQueryBuilder(Book, 'b')
        .leftJoinAndSelect('b.author', 'a')
        .leftJoinAndMapOne('b.mapped', Tag, 't', 't.id = b.id')
        .where('b.id = 1')
        .getOneOrFail();
      return [book.author.name, (book as Book & { mapped: Tag }).mapped.label];
    },
    own: (s) => [`author of ${s}`, `tag of ${s}`],
  },
  {
    name: 'loadRelationIds',
    run: async (db) =>
      (
        await db
          .getRepository(Author)
          .findOneOrFail({ where: { id: 1 }, loadRelationIds: { relations: ['books'] } })
      ).books.length,
    own: (s) => (s === 'acme' ? 3 : 2),
  },
  {
    name: '@RelationId',
    run: async (db) =>
      (await db.getRepository(Book).find({ order: { id: 'ASC' } }))
        .map(({ authorId, title }) => [authorId, title])
        .at(-1),
    own: (s) => (s === 'acme' ? [1, 'only acme has it'] : [1, 'sequel of globex']),
  },
  {
    name: 'a virtual column that counts a relation',
    run: async (db) => (await db.getRepository(Author).findOneByOrFail({ id: 1 })).bookCount,
    own: (s) => (s === 'acme' ? 3 : 2),
  },
  {
    name: 'the relation query builder',
    run: async (db) => {
      const tags = db.createQueryBuilder().relation(Book, 'tags').of(1);
      await tags.addAndRemove(2, 1);
      await db.createQueryBuilder().relation(Book, 'sequel').of(1).set(null);
      const [tag] = await tags.loadMany<Tag>();
      return [tag?.label, await db.createQueryBuilder().relation(Book, 'sequel').of(1).loadOne()];
    },
    own: (s) => [`other tag of ${s}`, undefined],
    writes: true,
  },
  {
    name: 'a cascaded insert of every kind of relation',
    run: async (db) => {
      const authors = db.getRepository(Author);
      const { name } = await authors.findOneByOrFail({ id: 1 });
      await authors.save(
        authors.create({
          id: 9,
          name: 'new',
          profile: { id: 9, bio: `new beside ${name}` },
          books: [
            { id: 9, title: 'new', tags: [{ id: 9, label: 'new' }], chapters: [{ id: 9, heading: 'new' }] },
          ],
        }),
      );
      const saved = await authors.findOneOrFail({
        where: { id: 9 },
        relations: { books: { tags: true, chapters: true } },
      });
      return [saved.profile?.bio, saved.books[0]?.tags[0]?.id, saved.books[0]?.chapters[0]?.id];
    },
    own: (s) => [`new beside author of ${s}`, 9, 9],
    writes: true,
  },
  {
    name: 'a cascaded update',
    run: async (db) => {
      const author = await db.getRepository(Author).findOneByOrFail({ id: 1 });
      author.profile!.bio += ' (changed)';
      await db.getRepository(Author).save(author);
      return (await db.getRepository(Profile).findOneByOrFail({ id: 1 })).bio;
    },
    own: (s) => `bio of ${s} (changed)`,
    writes: true,
  },
  {
    name: 'a cascaded remove',
    run: async (db) => {
      const book = await db.getRepository(Book).findOneOrFail({
        where: { id: 1 },
        relations: { chapters: true, tags: true, footnotes: true, editors: true },
      });
      await db.createQueryBuilder().relation(Book, 'editors').of(1).remove(2);
      await db.getRepository(Book).remove(book);
      return [
        book.title,
        await db.getRepository(Chapter).count(),
        await db.getRepository(Footnote).count(),
        (await db.query('SELECT * FROM book_tags_tag')).length,
      ];
    },
    own: (s) => [`book of ${s}`, 0, 0, 0],
    writes: true,
  },
  {
    name: 'a cascaded soft-remove and recover',
    run: async (db) => {
      const authors = db.getRepository(Book);
      const author = await db
        .getRepository(Author)
        .findOneOrFail({ where: { id: 1 }, relations: { books: true } });
      for (const book of author.books) await authors.softRemove(book);
      const gone = await authors.count();
      for (const book of author.books) await authors.recover(book);
      return [gone, await authors.count()];
    },
    own: (s) => [0, s === 'acme' ? 3 : 2],
    writes: true,
  },
  {
    name: 'orphans that are deleted',
    run: async (db) => {
      const book = await db
        .getRepository(Book)
        .findOneOrFail({ where: { id: 1 }, relations: { chapters: true } });
      book.chapters = book.chapters.filter(({ id }) => id === 2);
      await db.getRepository(Book).save(book);
      return (await db.getRepository(Chapter).find()).map(({ heading }) => heading);
    },
    own: (s) => [`last chapter of ${s}`],
    writes: true,
  },
  {
    name: 'orphans that are let go',
    run: async (db) => {
      const book = await db
        .getRepository(Book)
        .findOneOrFail({ where: { id: 1 }, relations: { footnotes: true } });
      book.footnotes = [];
      await db.getRepository(Book).save(book);
      const [footnote] = await db.getRepository(Footnote).find({ relations: { book: true } });
      return [footnote?.text, footnote?.book];
    },
    own: (s) => [`footnote of ${s}`, null],
    writes: true,
  },
];

const surface = describeSurface('relations', {
  entities: [Profile, Author, Chapter, Footnote, Tag, Book],
  seed,
  cases: CASES,
});

describe('a lazy relation of an entity loaded in one tenant', () => {
  it.each([
    ['many-to-one', async (book: Book) => (await book.translator)?.name],
    ['many-to-many', async (book: Book) => (await book.editors)[0]?.name],
  ])('loads from that tenant in the context of another, or in none: %s', async (_, read) => {
    const { dataSource, acme, globex, as } = surface;
    const load = (): Promise<Book> => dataSource.getRepository(Book).findOneByOrFail({ id: 1 });
    const [first, second] = [await as(acme, load), await as(acme, load)];
    expect(await as(globex, () => read(first))).toBe('translator of acme');
    expect(await read(second)).toBe('translator of acme');
  });
});
