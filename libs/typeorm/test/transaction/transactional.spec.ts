import { Injectable, Module, SetMetadata } from '@nestjs/common';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { Test, type TestingModule } from '@nestjs/testing';
import { headerStrategy, TenancyConfigurationError, TenancyModule, TenantContext } from '@tenantry/core';
import { Repository } from 'typeorm';
import { Note } from '../../../../test/isolation/library.js';
import {
  afterCommit,
  TenantDatabase,
  TenantDataSource,
  TenantRepository,
  TenantryTypeOrmModule,
  TenantTransactions,
  Transactional,
  TransactionMissingError,
} from '../../src/index.js';
import { openWorld, type World } from './world.js';

@Injectable()
class Notes extends TenantRepository(Note) {
  texts(): Promise<string[]> {
    return this.find({ order: { id: 'ASC' } }).then((notes) => notes.map(({ text }) => text));
  }
}

/** With a dependency of its own. */
@Injectable()
class CountedNotes extends TenantRepository(Note) {
  constructor(
    @InjectDataSource() dataSource: TenantDataSource,
    readonly database: TenantDatabase,
  ) {
    super(dataSource);
  }

  async counts(): Promise<[number, number]> {
    const { n } = await this.database.one<{ n: number }>('SELECT count(*)::int AS n FROM note');
    return [await this.count(), n];
  }
}

@Injectable()
class Archive {
  constructor(
    private readonly notes: Notes,
    @InjectRepository(Note) private readonly repository: Repository<Note>,
  ) {}

  @Transactional({ propagation: 'mandatory' })
  async store(id: number): Promise<void> {
    await this.repository.insert({ id, text: 'archived' });
  }

  @Transactional({ propagation: 'nested' })
  async tryOut(id: number): Promise<void> {
    await this.notes.insert({ id, text: 'tried' });
    throw new Error('out');
  }
}

@Injectable()
class Desk {
  readonly heard: string[] = [];

  constructor(
    private readonly archive: Archive,
    private readonly database: TenantDatabase,
  ) {}

  @Transactional()
  @SetMetadata('kept', 'metadata')
  async file(id: number, fail?: Error): Promise<string> {
    await this.database.execute(`INSERT INTO note VALUES ($1, 'filed')`, [id]);
    await this.archive.store(id + 1);
    await this.archive.tryOut(id + 2).catch(() => {});
    afterCommit(() => this.heard.push(`filed ${id}`));
    if (fail) throw fail;
    return `filed ${id}`;
  }
}

/** Inherits a decorated method and brings another. */
@Injectable()
class FrontDesk extends Desk {
  @Transactional({ readOnly: true })
  async mode(database: TenantDatabase): Promise<unknown> {
    return database.one(`SELECT current_setting('transaction_read_only') AS readonly`);
  }
}

let world: World;
let app: TestingModule;

beforeAll(async () => {
  world = await openWorld();

  @Module({
    imports: [
      TenancyModule.forRoot({
        resolution: { strategies: [headerStrategy()] },
        access: { kind: 'trusted-network' },
      }),
      TenantryTypeOrmModule.forRoot({ url: world.database.runtimeUrl, isolation: world.database.isolation }),
      TenantryTypeOrmModule.forFeature([Note]),
    ],
    providers: [Notes, CountedNotes, Archive, Desk, FrontDesk],
  })
  class AppModule {}

  app = await Test.createTestingModule({ imports: [AppModule] }).compile();
  await app.init();
});
afterEach(() => world.reset());
afterAll(async () => {
  await app.close();
  await world.close();
});

describe('@Transactional()', () => {
  it('makes a method of a provider one transaction, with all that it calls', async () => {
    const desk = app.get(Desk);
    expect(await TenantContext.run(world.acme, () => desk.file(10))).toBe('filed 10');
    expect(await world.notesOf(world.acme)).toEqual(['10 filed', '11 archived']);
    expect(desk.heard).toEqual(['filed 10']);
  });

  it('rolls all of it back for the tenant whose call fails, and nothing of the other one', async () => {
    const desk = app.get(Desk);
    const failure = new Error('on purpose');
    const [ofAcme, ofGlobex] = await Promise.allSettled([
      TenantContext.run(world.acme, () => desk.file(20, failure)),
      TenantContext.run(world.globex, () => desk.file(20)),
    ]);
    expect(ofAcme).toEqual({ status: 'rejected', reason: failure });
    expect(ofGlobex).toEqual({ status: 'fulfilled', value: 'filed 20' });
    expect(await world.notesOf(world.acme)).toEqual([]);
    expect(await world.notesOf(world.globex)).toEqual(['20 filed', '21 archived']);
  });

  it('works in the central context', async () => {
    await TenantContext.runCentral(() => app.get(Desk).file(30));
    expect(await world.notesOf('central')).toEqual(['30 filed', '31 archived']);
  });

  it('holds for inherited methods, beside those of the subclass', async () => {
    const desk = app.get(FrontDesk);
    await TenantContext.run(world.acme, async () => {
      await desk.file(40);
      expect(await desk.mode(app.get(TenantDatabase))).toEqual({ readonly: 'on' });
    });
    expect(await world.notesOf(world.acme)).toEqual(['40 filed', '41 archived']);
  });

  it('refuses what its propagation refuses', async () => {
    const call = TenantContext.run(world.acme, () => app.get(Archive).store(50));
    await expect(call).rejects.toThrow(TransactionMissingError);
  });

  it("keeps the method's name and what other decorators said about it", () => {
    const method = Object.getOwnPropertyDescriptor(Desk.prototype, 'file')!.value as () => void;
    expect(method.name).toBe('file');
    expect(Reflect.getMetadata('kept', method)).toBe('metadata');
  });

  it('says what to do about an object that Nest did not make', async () => {
    const orphan = new Archive(undefined as never, undefined as never);
    await expect(TenantContext.run(world.acme, () => orphan.store(60))).rejects.toThrow(
      TenancyConfigurationError,
    );
    await expect(TenantContext.run(world.acme, () => orphan.store(60))).rejects.toThrow(
      /Archive\.store\(\) is @Transactional\(\)/,
    );
  });
});

describe('a TenantRepository', () => {
  it('is injected as it is and follows the tenant in force', async () => {
    const notes = app.get(Notes);
    const texts = await Promise.all(
      [world.acme, world.globex].map((tenant) => TenantContext.run(tenant, () => notes.texts())),
    );
    expect(texts).toEqual([['note of acme'], ['note of globex']]);
    expect(await TenantContext.runCentral(() => notes.texts())).toEqual(['note of central']);
  });

  it('takes part in the transaction of its tenant, also with dependencies of its own', async () => {
    const run = TenantContext.run(world.acme, () =>
      app.get(TenantTransactions).run(async () => {
        await app.get(Notes).insert({ id: 2, text: 'x' });
        expect(await app.get(CountedNotes).counts()).toEqual([2, 2]);
        const elsewhere = await TenantContext.run(world.globex, () => app.get(CountedNotes).counts());
        expect(elsewhere).toEqual([1, 1]);
        throw new Error('undone');
      }),
    );
    await expect(run).rejects.toThrow('undone');
    expect(await world.notesOf(world.acme)).toEqual([]);
  });

  it('can be put on a certain manager, as any repository of TypeORM', async () => {
    const view = world.dataSource.views.forTenant(world.globex);
    const notes = view.manager.withRepository(new Notes(world.dataSource));
    expect(await TenantContext.run(world.acme, () => notes.texts())).toEqual(['note of globex']);
  });

  it('refuses a data source that routes nothing', () => {
    const view = world.dataSource.views.forTenant(world.acme);
    expect(() => new Notes(view as never)).toThrow(TenancyConfigurationError);
    expect(() => new Notes(undefined as never)).toThrow(TenancyConfigurationError);
  });
});
