import { DataSource, EntityManager } from 'typeorm';
import { TenancyConfigurationError } from '@tenantry/core';
import { createBinding } from '../binding/binding.js';
import { viewMaker } from './tenant-view.js';
import { bindingOf } from './view-binding.js';

/** No connection is made: a view needs none. */
function setUp() {
  const base = new DataSource({ type: 'postgres', url: 'postgres://nobody@nowhere.test/none' });
  const make = viewMaker(base);
  return {
    base,
    make,
    acme: make(createBinding('acme', undefined, [])),
    globex: make(createBinding('globex', undefined, [])),
  };
}

describe('a view', () => {
  it('is a DataSource that shares options and metadata with its base', () => {
    const { base, acme } = setUp();
    expect(acme).toBeInstanceOf(DataSource);
    expect([acme.options, acme.entityMetadatas, acme.subscribers]).toEqual([
      base.options,
      base.entityMetadatas,
      base.subscribers,
    ]);
  });

  it.each(['manager', 'relationLoader', 'relationIdLoader'] as const)(
    'makes its own %s when first asked for, and keeps it',
    (name) => {
      const { base, acme, globex } = setUp();
      expect(Object.hasOwn(acme, name)).toBe(false);
      const made = acme[name] as { dataSource?: unknown };
      expect(acme[name]).toBe(made);
      expect(Object.hasOwn(acme, name)).toBe(true);
      expect(new Set([made, globex[name], base[name]]).size).toBe(3);
      expect(made.dataSource).toBe(acme);
    },
  );

  it('has a manager, whose query runners are its own', () => {
    const { acme } = setUp();
    expect(acme.manager).toBeInstanceOf(EntityManager);
    const queryRunner = acme.createQueryRunner();
    expect(queryRunner.dataSource).toBe(acme);
    expect(queryRunner.manager.dataSource).toBe(acme);
  });

  it('believes that its schema is the one in force, for the DDL of TypeORM', () => {
    const { acme } = setUp();
    expect(acme.driver).toMatchObject({ schema: 'acme', searchSchema: 'acme', dataSource: acme });
  });

  it('knows its binding, unless it is made for a schema that is not there yet', () => {
    const { base, make, acme } = setUp();
    const binding = createBinding('soon', undefined, []);
    expect(bindingOf(acme)?.schema).toBe('acme');
    expect(bindingOf(make(binding, { bound: false }))).toBeUndefined();
    expect(bindingOf(base)).toBeUndefined();
  });

  it('cannot change the options of everybody', () => {
    expect(() => setUp().acme.setOptions({ logging: true })).toThrow(TenancyConfigurationError);
  });

  it('has nothing to initialise and nothing to close', async () => {
    const { base, acme } = setUp();
    const disconnect = jest.spyOn(base.driver, 'disconnect');
    await expect(acme.initialize()).resolves.toBe(acme);
    await acme.destroy();
    expect(disconnect).not.toHaveBeenCalled();
  });

  it('weighs no more than its few own fields', () => {
    expect(Object.keys(setUp().acme)).toEqual(['driver']);
  });
});
