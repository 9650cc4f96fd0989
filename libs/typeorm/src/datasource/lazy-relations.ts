import {
  EntityManager,
  type DataSource,
  type InsertEvent,
  type ObjectLiteral,
  type QueryRunner,
} from 'typeorm';
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js';
import { RelationLoader } from 'typeorm/query-builder/RelationLoader.js';
import { RawSqlResultsToEntityTransformer } from 'typeorm/query-builder/transformer/RawSqlResultsToEntityTransformer.js';
import { isJoined, joinCurrent } from '../transaction/joined-runner.js';
import type { RoutedDataSource } from '../transaction/transaction-place.js';
import { isInForce, schemaOf } from '../transaction/transaction-place.js';

/** The view that an entity with lazy relations came from; a lazy relation is loaded from there, for good. */
const homes = new WeakMap<object, DataSource>();

/** Set for the length of one synchronous call; nothing else can run in between. */
let makingFor: DataSource | undefined;

/** Entities that `make` creates have their home in `view`, whoever is in force. */
export function makeAtHome<T>(view: DataSource, make: () => T): T {
  const outer = makingFor;
  makingFor = view;
  try {
    return make();
  } finally {
    makingFor = outer;
  }
}

/**
 * Lazy relations load when they are first touched, which may be in another tenant's context, or in none.
 * TypeORM would load them through the base, and so from whoever is in force then.
 */
export class TenantRelationLoader extends RelationLoader {
  constructor(private readonly base: DataSource & RoutedDataSource) {
    super(base);
  }

  override load(
    relation: RelationMetadata,
    entities: ObjectLiteral | ObjectLiteral[],
    queryRunner?: QueryRunner,
    ...rest: unknown[]
  ): Promise<never[]> {
    const first = (Array.isArray(entities) ? entities[0] : entities) as object | undefined;
    const home = first && homes.get(first);
    // The runner of a transaction is gone when it ends, and refused elsewhere: the one current now is asked instead.
    const live = queryRunner && !queryRunner.isReleased && !isJoined(queryRunner) ? queryRunner : undefined;
    const load = async (): Promise<never[]> =>
      home && !live
        ? (home.relationLoader.load as (...all: unknown[]) => Promise<never[]>)(
            relation,
            entities,
            isInForce({ base: this.base, schema: schemaOf(home) }) ? joinCurrent(this.base, home) : undefined,
            ...rest,
          )
        : (super.load as (...all: unknown[]) => Promise<never[]>).call(
            this,
            relation,
            entities,
            live,
            ...rest,
          );
    return HandledPromise.resolve(load());
  }

  override enableLazyLoad(
    relation: RelationMetadata,
    entity: ObjectLiteral,
    queryRunner?: QueryRunner,
  ): void {
    const home = queryRunner?.dataSource ?? makingFor ?? this.base.currentOrNone();
    // TypeORM also calls this for prototypes, at start-up and outside of any context: those have no home.
    if (home) homes.set(entity, home);
    super.enableLazyLoad(relation, entity, queryRunner);
  }
}

const HYDRATES_AT_HOME = Symbol.for('tenantry.hydrates-at-home');

/**
 * Results of a pinned view are turned into entities without a word of the view: TypeORM asks the metadata,
 * which belongs to the base. The one place that still knows is the transformer, through its driver.
 */
function hydrateAtHome(): void {
  const prototype = RawSqlResultsToEntityTransformer.prototype as RawSqlResultsToEntityTransformer & {
    [HYDRATES_AT_HOME]?: true;
    driver: { dataSource: DataSource; binding?: unknown };
  };
  if (prototype[HYDRATES_AT_HOME]) return;
  prototype[HYDRATES_AT_HOME] = true;
  const transform = Object.getOwnPropertyDescriptor(prototype, 'transform')!
    .value as typeof prototype.transform;
  prototype.transform = function (this: typeof prototype, ...args) {
    // Drivers of views carry a binding; everybody else's data sources are left alone.
    return this.driver.binding
      ? makeAtHome(this.driver.dataSource, () => transform.apply(this, args))
      : transform.apply(this, args);
  };
}

/** The manager of a view: what it makes is at home there. */
export class ViewEntityManager extends EntityManager {
  override create(...args: Parameters<EntityManager['create']>): never {
    return makeAtHome(this.dataSource, () => super.create(...args)) as never;
  }

  override merge(...args: Parameters<EntityManager['merge']>): never {
    return makeAtHome(this.dataSource, () => super.merge(...args)) as never;
  }
}

/** Entities made with `new` get their home when they are first saved. */
export function trackLazyHomes(base: DataSource): void {
  if (!base.entityMetadatas.some(({ lazyRelations }) => lazyRelations.length > 0)) return;
  hydrateAtHome();
  base.subscribers.push({ afterInsert: rememberHome });
}

function rememberHome({ entity, metadata, queryRunner }: InsertEvent<ObjectLiteral>): void {
  if (entity && metadata.lazyRelations.length > 0) homes.set(entity, queryRunner.dataSource);
}

/**
 * TypeORM keeps a second promise beside the one it hands out, which nobody can await: when loading fails,
 * that one would end the process as an unhandled rejection. The promise handed out still rejects.
 */
class HandledPromise<T> extends Promise<T> {
  // oxlint-disable-next-line unicorn/no-thenable -- a Promise is a thenable
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const next = super.then(onFulfilled, onRejected);
    if (!onRejected) void super.then.call(next, undefined, () => {});
    return next;
  }
}
