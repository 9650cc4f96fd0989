import fc from 'fast-check';
import { BoundedCache } from './bounded-cache.js';

/** A cache on a clock that only the test moves, and loads that only the test settles. */
function setUp(maxEntries = 3) {
  const clock = { nowMs: 0 };
  const cache = new BoundedCache<string | undefined>(maxEntries, () => clock.nowMs);
  const loads: { key: string; resolve: (value: string | undefined) => void; reject: (e: Error) => void }[] =
    [];
  const get = (key: string, ttlMs = 100) =>
    cache.getOrLoad(
      key,
      () => new Promise((resolve, reject) => loads.push({ key, resolve, reject })),
      () => ttlMs,
    );
  const fill = async (key: string, value: string | undefined, ttlMs?: number) => {
    const got = get(key, ttlMs);
    loads.at(-1)!.resolve(value);
    await got;
  };
  return { clock, cache, loads, get, fill };
}

describe('BoundedCache', () => {
  it('loads once for all who ask while the load runs, and keeps what it brings until its time is over', async () => {
    const { clock, loads, get } = setUp();
    const both = [get('a'), get('a')];
    loads[0]!.resolve('1');
    await expect(Promise.all(both)).resolves.toEqual(['1', '1']);
    clock.nowMs = 99;
    await expect(get('a')).resolves.toBe('1');
    expect(loads).toHaveLength(1);
    clock.nowMs = 100;
    void get('a');
    expect(loads).toHaveLength(2);
  });

  it('keeps the answer that there is nothing, for its own time', async () => {
    const { clock, loads, get, fill } = setUp();
    await fill('a', undefined, 10);
    clock.nowMs = 9;
    await expect(get('a')).resolves.toBeUndefined();
    expect(loads).toHaveLength(1);
    clock.nowMs = 10;
    void get('a');
    expect(loads).toHaveLength(2);
  });

  it('keeps nothing with a time of 0', async () => {
    const { cache, fill } = setUp();
    await fill('a', '1', 0);
    expect(cache.size).toBe(0);
  });

  it('tells all waiters of a failed load and asks again afterwards', async () => {
    const { loads, get } = setUp();
    const both = [get('a'), get('a')];
    loads[0]!.reject(new Error('down'));
    for (const one of both) await expect(one).rejects.toThrow('down');
    const again = get('a');
    loads[1]!.resolve('1');
    await expect(again).resolves.toBe('1');
  });

  it.each(['delete', 'clear', 'abandonLoads'] as const)(
    'does not let a load that was overtaken by %s bring back the old value',
    async (invalidation) => {
      const { cache, loads, get } = setUp();
      const early = get('a');
      cache[invalidation]('a');
      const late = get('a');
      expect(loads).toHaveLength(2);
      loads[1]!.resolve('new');
      await expect(late).resolves.toBe('new');
      loads[0]!.resolve('old');
      await expect(early).resolves.toBe('old');
      await expect(get('a')).resolves.toBe('new');
    },
  );

  it('does not let the failure of an overtaken load forget the load that followed', async () => {
    const { cache, loads, get } = setUp();
    const early = get('a');
    cache.delete('a');
    const late = get('a');
    loads[0]!.reject(new Error('down'));
    await expect(early).rejects.toThrow('down');
    void get('a');
    expect(loads).toHaveLength(2);
    loads[1]!.resolve('new');
    await expect(late).resolves.toBe('new');
  });

  it('forgets what was used least recently first', async () => {
    const { cache, get, fill } = setUp(2);
    await fill('a', '1');
    await fill('b', '2');
    await get('a');
    await fill('c', '3');
    expect([...cache.keys()]).toEqual(['a', 'c']);
  });

  it('stays within its bound under 10,000 random keys', async () => {
    const { cache, fill } = setUp(50);
    for (const key of fc.sample(fc.string(), 10_000)) {
      await fill(key, key);
      expect(cache.size).toBeLessThanOrEqual(50);
    }
    expect(cache.size).toBe(50);
  });

  it('does not trust entries longer when the wall clock is set back', async () => {
    const cache = new BoundedCache<string>(1);
    const wallClock = jest.spyOn(Date, 'now').mockReturnValue(1_000_000);
    const monotonic = jest.spyOn(performance, 'now').mockReturnValue(0);
    await cache.getOrLoad(
      'a',
      async () => 'old',
      () => 10,
    );
    wallClock.mockReturnValue(0);
    monotonic.mockReturnValue(10);
    await expect(
      cache.getOrLoad(
        'a',
        async () => 'new',
        () => 10,
      ),
    ).resolves.toBe('new');
    jest.restoreAllMocks();
  });
});
