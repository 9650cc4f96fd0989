import { TenantContext } from '@tenantry/core';
import { Column, Entity, ManyToOne, PrimaryColumn, VersionColumn, type Relation } from 'typeorm';
import { describeSurface, numberOf, type SurfaceCase } from './surface.js';

@Entity()
class Team {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;
}

@Entity()
class Player {
  @PrimaryColumn('int')
  id!: number;

  @Column('text')
  name!: string;

  @Column('int')
  score!: number;

  @ManyToOne(() => Team, { nullable: true })
  team!: Relation<Team> | null;

  @VersionColumn({ default: 1 })
  version!: number;
}

const seed = (name: string): string => `
  INSERT INTO team VALUES (1, 'team of ${name}');
  INSERT INTO player (id, name, score, "teamId") VALUES (1, 'player of ${name}', ${numberOf(name)}, 1);`;

/** Made once, outside of any context, as a provider of Nest would. */
const CASES: readonly SurfaceCase[] = [
  {
    name: 'a repository that was made before there was a context',
    run: async (db) => {
      const repository = TenantContext.runDetached(() => db.getRepository(Player));
      return (await repository.findOneByOrFail({ id: 1 })).name;
    },
    own: (s) => `player of ${s}`,
  },
  {
    name: 'a query builder that was made before there was a context',
    run: async (db) => {
      const query = TenantContext.runDetached(() => db.createQueryBuilder(Player, 'p').where('p.id = 1'));
      return (await query.getOneOrFail()).name;
    },
    own: (s) => `player of ${s}`,
  },
];

const surface = describeSurface('crossing over', { entities: [Team, Player], seed, cases: CASES });

const inBoth = async <Made, Result>(
  make: () => Made,
  use: (made: Made) => Promise<Result>,
): Promise<Result> => {
  const { acme, globex, as } = surface;
  const { made } = await as(acme, async () => ({ made: make() }));
  return as(globex, () => use(made));
};

const load = () =>
  surface.dataSource.getRepository(Player).findOneOrFail({ where: { id: 1 }, relations: { team: true } });

describe('what was made in the context of one tenant and used in that of another', () => {
  afterEach(() => surface.reset());

  it('goes to the tenant in force at the time of use: a repository', async () => {
    const found = await inBoth(
      () => surface.dataSource.getRepository(Player),
      (players) => players.findOneByOrFail({ id: 1 }),
    );
    expect(found.name).toBe('player of globex');
  });

  it('goes to the tenant in force at the time of use: an entity manager', async () => {
    const found = await inBoth(
      () => surface.dataSource.manager,
      (manager) => manager.findOneByOrFail(Player, { id: 1 }),
    );
    expect(found.name).toBe('player of globex');
  });

  it('goes to the tenant in force when it is executed: a query builder', async () => {
    const found = await inBoth(
      () => surface.dataSource.createQueryBuilder(Player, 'p').where('p.id = 1'),
      (query) => query.getOneOrFail(),
    );
    expect(found.name).toBe('player of globex');
  });

  it('stays with its tenant: a query runner, and what is made with it', async () => {
    const found = await inBoth(
      () => surface.dataSource.createQueryRunner(),
      async (runner) => {
        try {
          const [{ name }] = await runner.query('SELECT name FROM player');
          const built = await surface.dataSource.createQueryBuilder(Player, 'p', runner).getOneOrFail();
          return [name, built.name, (await runner.manager.findOneByOrFail(Player, { id: 1 })).name];
        } finally {
          await runner.release();
        }
      },
    );
    expect(found).toEqual(['player of acme', 'player of acme', 'player of acme']);
  });

  it('stays with its tenant: the manager of a transaction', async () => {
    const { dataSource, acme, globex, as } = surface;
    const found = await as(acme, () =>
      dataSource.transaction((manager) =>
        as(globex, async () => [
          (await manager.findOneByOrFail(Player, { id: 1 })).name,
          (await dataSource.manager.findOneByOrFail(Player, { id: 1 })).name,
        ]),
      ),
    );
    expect(found).toEqual(['player of acme', 'player of globex']);
  });

  it('stays with its tenant: a pinned view, its repositories and its query builders', async () => {
    const { database, acme } = surface;
    const found = await inBoth(
      () => database.dataSource.views.forTenant(acme),
      async (view) => [
        (await view.getRepository(Player).findOneByOrFail({ id: 1 })).name,
        (await view.createQueryBuilder(Player, 'p').getOneOrFail()).name,
        (await view.query('SELECT name FROM player'))[0].name,
      ],
    );
    expect(found).toEqual(['player of acme', 'player of acme', 'player of acme']);
  });

  it('stays with its tenant: a stream that is read elsewhere', async () => {
    const names: unknown[] = [];
    const { dataSource, acme, globex, as } = surface;
    const stream = await as(acme, () => dataSource.createQueryBuilder(Player, 'p').stream());
    await as(globex, async () => {
      for await (const row of stream) names.push((row as { p_name: string }).p_name);
    });
    expect(names).toEqual(['player of acme']);
  });
});

describe('an entity that was loaded in one tenant and saved in another', () => {
  afterEach(() => surface.reset());

  it('is written over the row of the same id there: an entity is values, and knows no tenant', async () => {
    const { dataSource, acme, globex, as } = surface;
    const player = await as(acme, load);
    await as(globex, () => dataSource.getRepository(Player).save(player));
    expect(await as(globex, load)).toMatchObject({ name: 'player of acme', score: 1 });
    expect(await as(acme, load)).toMatchObject({ name: 'player of acme', score: 1 });
  });

  it('is inserted where there is no row of its id, and its relation is the id there', async () => {
    const { dataSource, acme, globex, as } = surface;
    await as(acme, () =>
      dataSource.getRepository(Player).insert({ id: 5, name: 'fifth', score: 5, team: { id: 1 } }),
    );
    const fifth = await as(acme, () =>
      dataSource.getRepository(Player).findOneOrFail({ where: { id: 5 }, relations: { team: true } }),
    );
    const saved = await as(globex, async () => {
      await dataSource.getRepository(Player).save(fifth);
      return dataSource.getRepository(Player).findOneOrFail({ where: { id: 5 }, relations: { team: true } });
    });
    expect(saved.team?.name).toBe('team of globex');
  });

  it('is refused where what it refers to does not exist', async () => {
    const { dataSource, acme, globex, as } = surface;
    await as(acme, () => dataSource.getRepository(Team).insert({ id: 8, name: 'only acme has it' }));
    const orphan = dataSource
      .getRepository(Player)
      .create({ id: 6, name: 'sixth', score: 6, team: { id: 8 } });
    await expect(as(globex, () => dataSource.getRepository(Player).save(orphan))).rejects.toThrow(
      /foreign key/,
    );
  });

  it('removes the row of the same id there', async () => {
    const { dataSource, acme, globex, as } = surface;
    const player = await as(acme, load);
    await as(globex, () => dataSource.getRepository(Player).remove(player));
    expect(await as(globex, () => dataSource.getRepository(Player).count())).toBe(0);
    expect(await as(acme, () => dataSource.getRepository(Player).count())).toBe(1);
  });
});
