import { EventEmitter, once } from 'node:events';
import { access } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as immediate, setTimeout as timeout } from 'node:timers/promises';
import { concatMap, delay, firstValueFrom, from, map, toArray } from 'rxjs';
import { tenantRecord } from '../testing/in-memory-tenant-store.js';
import { TenantAlreadyResolvedError, TenantContextMissingError } from './tenant-context.errors.js';
import { TenantContext, TenantScope } from './tenant-context.js';

const acme = tenantRecord({ slug: 'acme' });
const globex = tenantRecord({ slug: 'globex' });
const slug = () => TenantContext.current()?.slug;

const seenInTurns = async () => {
  const seen = new Set<string | undefined>();
  for (let turn = 0; turn < 20; turn++) {
    await immediate();
    seen.add(slug());
  }
  return [...seen];
};

describe('TenantContext.run', () => {
  it('puts the tenant in force inside and nothing outside', () => {
    expect(slug()).toBeUndefined();
    expect(TenantContext.run(acme, () => [slug(), TenantContext.require().id])).toEqual(['acme', acme.id]);
    expect(TenantContext.state()).toEqual({ kind: 'none' });
  });

  it('restores what was in force when the function throws or rejects', async () => {
    const boom = new Error('boom');
    await TenantContext.run(acme, async () => {
      const fail = () => {
        throw boom;
      };
      expect(() => TenantContext.run(globex, fail)).toThrow(boom);
      expect(slug()).toBe('acme');
      await expect(TenantContext.run(globex, async () => fail())).rejects.toBe(boom);
      expect(slug()).toBe('acme');
    });
    expect(slug()).toBeUndefined();
  });

  it('restores the outer tenant after work for another one, A-B-A', async () => {
    const seen = await TenantContext.run(acme, async () => {
      const before = slug();
      const inner = await TenantContext.run(globex, async () => {
        await immediate();
        return slug();
      });
      return [before, inner, slug()];
    });
    expect(seen).toEqual(['acme', 'globex', 'acme']);
  });

  it('keeps interleaved runs of two tenants apart', async () => {
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) => TenantContext.run(i % 2 === 0 ? acme : globex, seenInTurns)),
    );
    expect(results).toEqual(results.map((_, i) => [i % 2 === 0 ? 'acme' : 'globex']));
  });
});

describe('TenantContext.runCentral and runDetached', () => {
  it('tells deliberate absence of a tenant from an unknown one', () => {
    TenantContext.run(acme, () => {
      expect(TenantContext.runCentral(() => TenantContext.state())).toEqual({ kind: 'central' });
      expect(TenantContext.runDetached(() => TenantContext.state())).toEqual({ kind: 'none' });
      expect(TenantContext.runDetached(() => TenantContext.scope())).toBeUndefined();
      expect(slug()).toBe('acme');
    });
  });

  it('does not pin the tenant that first needed a shared thing', async () => {
    const ticks = new EventEmitter();
    const seen: unknown[] = [];
    const timer = TenantContext.run(acme, () =>
      TenantContext.runDetached(() =>
        setInterval(() => {
          seen.push(TenantContext.state().kind);
          ticks.emit('tick');
        }, 1),
      ),
    );
    await once(ticks, 'tick');
    clearInterval(timer);
    expect(new Set(seen)).toEqual(new Set(['none']));
  });
});

describe('what an application awaits', () => {
  const viaCallback: Record<string, (done: () => void) => void> = {
    setTimeout: (done) => void setTimeout(done, 0),
    setImmediate: (done) => void setImmediate(done),
    nextTick: (done) => process.nextTick(done),
    queueMicrotask: (done) => queueMicrotask(done),
    'the end of a worker of libuv': (done) => access('.', done),
  };

  it.each(Object.keys(viaCallback))('keeps the tenant through %s', async (name) => {
    const seen = TenantContext.run(
      acme,
      () => new Promise((resolve) => viaCallback[name]!(() => resolve(slug()))),
    );
    await expect(seen).resolves.toBe('acme');
  });

  it('keeps the tenant through streams made and consumed inside', async () => {
    const seen = new Set<string | undefined>();
    const note = new Transform({
      objectMode: true,
      transform(chunk, _encoding, done) {
        seen.add(slug());
        done(null, chunk);
      },
    });
    await TenantContext.run(acme, () =>
      pipeline(Readable.from(['a', 'b']), note, async (source) => {
        for await (const _ of source) seen.add(slug());
      }),
    );
    expect([...seen]).toEqual(['acme']);
  });

  it('keeps the tenant through RxJS operators that were subscribed to inside', async () => {
    const source = from([1, 2]).pipe(
      concatMap((n) => from(timeout(0, n))),
      delay(0),
      map(() => slug()),
      toArray(),
    );
    await expect(TenantContext.run(acme, () => firstValueFrom(source))).resolves.toEqual(['acme', 'acme']);
  });
});

describe('TenantContext.bind', () => {
  it('gives a listener the tenant that registered it, whoever emits', () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    TenantContext.run(acme, () => {
      emitter.on('x', () => seen.push(slug()));
      emitter.on(
        'x',
        TenantContext.bind(() => seen.push(slug())),
      );
    });
    TenantContext.run(globex, () => emitter.emit('x'));
    emitter.emit('x');
    expect(seen).toEqual(['globex', 'acme', undefined, 'acme']);
  });

  it('gives clean-up on abort the tenant that asked for it', () => {
    const controller = new AbortController();
    let seen: unknown;
    TenantContext.run(acme, () =>
      controller.signal.addEventListener(
        'abort',
        TenantContext.bind(() => (seen = slug())),
      ),
    );
    TenantContext.run(globex, () => controller.abort());
    expect(seen).toBe('acme');
  });

  it('passes this, arguments and result on', () => {
    const counter = {
      base: 40,
      add: TenantContext.bind(function (this: { base: number }, n: number) {
        return this.base + n;
      }),
    };
    expect(counter.add(2)).toBe(42);
  });

  it('also binds to no tenant at all', () => {
    const bound = TenantContext.bind(() => TenantContext.state().kind);
    expect(TenantContext.run(acme, () => bound())).toBe('none');
  });
});

describe('TenantScope', () => {
  it('shows everything inside it the tenant once it is filled', async () => {
    const scope = new TenantScope();
    await TenantContext.runInScope(scope, async () => {
      const bound = TenantContext.bind(() => slug());
      expect(TenantContext.state()).toEqual({ kind: 'none' });
      await immediate();
      scope.enterTenant(acme);
      expect([slug(), bound()]).toEqual(['acme', 'acme']);
    });
    expect(slug()).toBeUndefined();
  });

  it('is filled once and stays what it is', () => {
    const fills = [(s: TenantScope) => s.enterTenant(globex), (s: TenantScope) => s.enterCentral()];
    for (const first of fills) {
      for (const second of fills) {
        const scope = new TenantScope();
        first(scope);
        const state = scope.state;
        expect(() => second(scope)).toThrow(TenantAlreadyResolvedError);
        expect(scope.state).toBe(state);
      }
    }
  });
});

describe('a scope that nobody waits for any more', () => {
  it('says so, and tells each listener once, also those of scopes entered inside', () => {
    const scope = new TenantScope();
    const told: string[] = [];
    TenantContext.runInScope(scope, () => {
      TenantContext.scope()!.onAbort(() => told.push('outer'));
      TenantContext.run(acme, () => {
        TenantContext.scope()!.onAbort(() => told.push('inner'));
        TenantContext.scope()!.onAbort(() => told.push('taken off'))();
        const inner = TenantContext.scope()!;
        expect(inner.isAborted).toBe(false);
        scope.abort();
        scope.abort();
        expect([inner.isAborted, scope.isAborted]).toEqual([true, true]);
      });
    });
    expect(told).toEqual(['outer', 'inner']);
  });

  it('does not reach work that was detached from it', () => {
    const scope = new TenantScope();
    const detached = TenantContext.runInScope(scope, () =>
      TenantContext.runDetached(() => TenantContext.run(acme, () => TenantContext.scope()!)),
    );
    scope.abort();
    expect(detached.isAborted).toBe(false);
  });
});

describe('TenantContext.require', () => {
  it('says what needed a tenant and how to enter one', () => {
    expect(() => TenantContext.require('The campaign table')).toThrow(TenantContextMissingError);
    expect(() => TenantContext.require('The campaign table')).toThrow(
      /^The campaign table .*TenantContext\.run/,
    );
  });

  it('tells central work apart', () => {
    expect(() => TenantContext.runCentral(() => TenantContext.require())).toThrow(
      /runCentral\(\).*on purpose/,
    );
  });
});

describe('an injected TenantContext', () => {
  it('is the same as the static members', () => {
    const context = new TenantContext();
    expect(context.current()).toBeUndefined();
    expect(() => context.id).toThrow(TenantContextMissingError);
    context.run(acme, () => {
      expect([context.id, context.schema, context.metadata]).toEqual([acme.id, acme.schema, {}]);
      expect(context.require()).toBe(TenantContext.current());
      expect(context.runCentral(() => context.current())).toBeUndefined();
      expect(TenantContext.runDetached(context.bind(() => context.id))).toBe(acme.id);
    });
  });
});

it('is shared by two installed copies of the package', async () => {
  const copies: (typeof TenantContext)[] = [];
  for (let i = 0; i < 2; i++) {
    await jest.isolateModulesAsync(async () => {
      copies.push((await import('./tenant-context.js')).TenantContext);
    });
  }
  const [one, two] = copies;
  expect(one).not.toBe(two);
  one!.run(acme, () => {
    expect(two!.require().slug).toBe('acme');
    two!.runCentral(() => expect(one!.state().kind).toBe('central'));
  });
});
