import { TenantContext, TenantManager, TenantRegistry } from '@tenantry/core';
import { DataSource } from 'typeorm';
import { DemoSeed } from '../../apps/platform/src/index.js';
import { asAdmin, openPlatform, type TestPlatform } from './support/platform.js';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openPlatform('express');
  // Nobody and nothing, as on a first start.
  await asAdmin(platform.adminUrl, 'TRUNCATE tenantry.users, tenantry.tenants CASCADE');
});
afterAll(() => platform.close());

class Crash extends Error {}

/** A process that dies before its n-th step. */
function seedThatCrashesAt(n: number): DemoSeed {
  const { app } = platform;
  let steps = 0;
  const dyingAt = <T extends object>(target: T, method: keyof T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        if (name === method && ++steps === n) throw new Crash();
        return value.bind(object) as unknown;
      },
    });
  const dataSource = dyingAt(app.get(DataSource), 'transaction');
  return new DemoSeed(dataSource, dyingAt(app.get(TenantManager), 'create'), app.get(TenantRegistry));
}

it('is finished by the next start, wherever an earlier one was cut short, and then left alone', async () => {
  const outcomes: unknown[] = [];
  while (outcomes.at(-1) !== true && outcomes.length < 20) {
    const next = outcomes.length + 1;
    outcomes.push(
      await seedThatCrashesAt(next)
        .run()
        .catch((error: unknown) => error),
    );
  }
  expect(outcomes.length).toBeGreaterThan(3);
  expect(outcomes).toEqual([...outcomes.slice(0, -1).map(() => expect.any(Crash)), true]);
  expect(await seedThatCrashesAt(0).run()).toBe(false);

  const { app } = platform;
  const { items } = await app.get(TenantRegistry).list({ limit: 10, offset: 0 });
  expect(items.map(({ slug, tier }) => `${slug} ${tier}`)).toEqual([
    'acme starter',
    'globex growth',
    'initech enterprise',
  ]);
  for (const tenant of items) {
    const [row] = await TenantContext.run(tenant, () =>
      app.get(DataSource).query<[{ total: string }]>('SELECT count(*) AS total FROM campaigns'),
    );
    expect(row.total).toBe('3');
  }
  const members = await asAdmin(
    platform.adminUrl,
    `SELECT u.email, string_agg(t.slug, ' ' ORDER BY t.slug) AS tenants FROM tenantry.users u
     LEFT JOIN tenantry.memberships m ON m.user_id = u.id LEFT JOIN tenantry.tenants t ON t.id = m.tenant_id
     GROUP BY u.email ORDER BY u.email`,
  );
  expect(members).toEqual([
    { email: 'multi@acme.test', tenants: 'acme globex' },
    { email: 'operator@platform.test', tenants: null },
    { email: 'owner@acme.test', tenants: 'acme' },
    { email: 'owner@globex.test', tenants: 'globex' },
    { email: 'owner@initech.test', tenants: 'initech' },
  ]);
});
