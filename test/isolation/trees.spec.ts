import {
  Column,
  Entity,
  PrimaryColumn,
  Tree,
  TreeChildren,
  TreeParent,
  type DataSource,
  type Relation,
} from 'typeorm';
import { describeSurface, type SurfaceCase } from './surface.js';

/** The columns that all kinds of trees have. */
abstract class TreeNode {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;
}

@Entity()
@Tree('adjacency-list')
class Folder extends TreeNode {
  @TreeChildren()
  children!: Folder[];

  @TreeParent()
  parent!: Relation<Folder> | null;
}

@Entity()
@Tree('closure-table')
class Category extends TreeNode {
  @TreeChildren({ cascade: true })
  children!: Category[];

  @TreeParent({ onDelete: 'CASCADE' })
  parent!: Relation<Category> | null;
}

@Entity()
@Tree('materialized-path')
class Place extends TreeNode {
  @TreeChildren()
  children!: Place[];

  @TreeParent()
  parent!: Relation<Place> | null;
}

/** TypeORM allows one root per table, which here means one root per tenant. */
@Entity()
@Tree('nested-set')
class Rank extends TreeNode {
  @TreeChildren()
  children!: Rank[];

  @TreeParent()
  parent!: Relation<Rank> | null;
}

const seed = (name: string): string => `
  INSERT INTO folder VALUES (1, 'root of ${name}', NULL), (2, 'child of ${name}', 1);
  INSERT INTO category VALUES (1, 'root of ${name}', NULL), (2, 'child of ${name}', 1);
  INSERT INTO category_closure VALUES (1, 1), (2, 2), (1, 2);
  INSERT INTO place (id, name, mpath, "parentId") VALUES (1, 'root of ${name}', '1.', NULL), (2, 'child of ${name}', '1.2.', 1);
  INSERT INTO rank (id, name, nsleft, nsright, "parentId") VALUES (1, 'root of ${name}', 1, 4, NULL), (2, 'child of ${name}', 2, 3, 1);`;

const KINDS = [Category, Place, Rank] as const;
const names = (nodes: readonly TreeNode[]): string[] => nodes.map(({ name }) => name);

const CASES: readonly SurfaceCase[] = [
  {
    name: 'an adjacency list and its parents',
    run: async (db) =>
      (await db.getRepository(Folder).find({ where: { id: 2 }, relations: { parent: true } })).map(
        ({ name, parent }) => [name, parent?.name],
      ),
    own: (s) => [[`child of ${s}`, `root of ${s}`]],
  },
  ...KINDS.flatMap((kind): SurfaceCase[] => {
    const trees = (db: DataSource) => db.getTreeRepository<TreeNode>(kind);
    const node = (db: DataSource, id: number): Promise<TreeNode> => trees(db).findOneByOrFail({ id });
    return [
      {
        name: `findTrees and findRoots of ${kind.name}`,
        run: async (db) => {
          const [root] = (await trees(db).findTrees()) as (TreeNode & { children: TreeNode[] })[];
          return [root?.name, names(root?.children ?? []), names(await trees(db).findRoots())];
        },
        own: (s) => [`root of ${s}`, [`child of ${s}`], [`root of ${s}`]],
      },
      {
        name: `descendants of ${kind.name}`,
        run: async (db) => {
          const root = await node(db, 1);
          const tree = (await trees(db).findDescendantsTree(root)) as TreeNode & { children: TreeNode[] };
          return [
            names(await trees(db).findDescendants(root)).toSorted(),
            names(tree.children),
            await trees(db).countDescendants(root),
          ];
        },
        own: (s) => [[`child of ${s}`, `root of ${s}`], [`child of ${s}`], 2],
      },
      {
        name: `ancestors of ${kind.name}`,
        run: async (db) => {
          const child = await node(db, 2);
          const tree = (await trees(db).findAncestorsTree(child)) as TreeNode & { parent: TreeNode };
          return [
            names(await trees(db).findAncestors(child)).toSorted(),
            tree.parent.name,
            await trees(db).countAncestors(child),
          ];
        },
        own: (s) => [[`child of ${s}`, `root of ${s}`], `root of ${s}`, 2],
      },
      {
        name: `a new leaf of ${kind.name}`,
        run: async (db) => {
          const parent = await node(db, 2);
          await trees(db).save(trees(db).create({ id: 9, name: 'leaf', parent } as object));
          return names(await trees(db).findAncestors(await node(db, 9))).toSorted();
        },
        own: (s) => [`child of ${s}`, 'leaf', `root of ${s}`],
        writes: true,
      },
    ];
  }),
  {
    name: 'a branch of a closure table that is removed',
    run: async (db) => {
      const trees = db.getTreeRepository(Category);
      const child = await trees.findOneByOrFail({ id: 2 });
      await trees.remove(child);
      return [child.name, (await db.query('SELECT * FROM category_closure')).length];
    },
    own: (s) => [`child of ${s}`, 1],
    writes: true,
  },
];

const surface = describeSurface('trees', { entities: [Folder, Category, Place, Rank], seed, cases: CASES });

describe('a nested set', () => {
  it('has one root per tenant: a second one is refused by TypeORM, whatever others have', async () => {
    const { dataSource, acme, as } = surface;
    const second = as(acme, () => dataSource.getTreeRepository(Rank).save({ id: 7, name: 'second root' }));
    await expect(second).rejects.toThrow(/multiple root/);
  });
});
