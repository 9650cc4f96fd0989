import { candidateNames, type TenantCandidate } from '../resolution/tenant-candidate.js';
import { TenantRegistry } from '../registry/tenant-registry.js';
import type { TenantStatus } from '../registry/tenant-record.js';
import { InMemoryTenantStore, tenantRecord } from '../testing/in-memory-tenant-store.js';
import { TenantClaimMissingError, TenantForbiddenError, TenantMismatchError } from './access.errors.js';
import type { Principal } from './principal.js';
import { TenantGate } from './tenant-gate.js';
import type { TenantMembership } from './tenant-membership.js';

const acme = tenantRecord({ slug: 'acme', domains: ['acme.test', 'shop.acme.test'] });
const globex = tenantRecord({ slug: 'globex', domains: ['globex.test'] });
const ann: Principal = { userId: 'ann', roles: ['editor'], claims: {} };

function setUp({
  membership,
  trustsNetwork = false,
}: { membership?: TenantMembership; trustsNetwork?: boolean } = {}) {
  const store = new InMemoryTenantStore(acme, globex);
  const asked: string[] = [];
  for (const find of ['findById', 'findBySlug', 'findByDomain'] as const) {
    const real = store[find].bind(store);
    store[find] = (value) => {
      asked.push(value);
      return real(value);
    };
  }
  return { store, asked, gate: new TenantGate(new TenantRegistry(store), membership, trustsNetwork) };
}

const named = (strategy: string, by: TenantCandidate['by'], value: string): TenantCandidate => ({
  strategy,
  forgeable: strategy !== 'jwt-claim',
  by,
  value,
});
const claim = (value = acme.id) => named('jwt-claim', 'id', value);

describe('TenantGate', () => {
  it('admits the tenant of the claim, with the roles of the token', async () => {
    const { gate } = setUp();
    await expect(gate.admit([claim()], ann)).resolves.toEqual({ record: acme, roles: ['editor'] });
  });

  it('admits nobody where no tenant is named', async () => {
    const { gate, asked } = setUp({ trustsNetwork: true });
    await expect(gate.admit([], ann)).resolves.toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('takes sources that name one tenant in different ways for agreement', async () => {
    const { gate, asked } = setUp();
    const candidates = [
      named('header', 'slug', 'acme'),
      named('query', 'id', acme.id),
      named('custom-domain', 'domain', 'shop.acme.test'),
      claim(),
    ];
    await expect(gate.admit(candidates, ann)).resolves.toMatchObject({ record: acme });
    expect(asked).toEqual([acme.id]);
  });

  it.each([
    ['slug', 'globex'],
    ['id', globex.id],
    ['domain', 'globex.test'],
  ] as const)(
    'refuses a foreign tenant named by %s beside a claim, wherever it stands, and never looks it up',
    async (by, value) => {
      const foreign = named('other', by, value);
      for (const candidates of [
        [foreign, claim()],
        [claim(), foreign],
        [claim(), named('header', 'slug', 'acme'), foreign],
      ]) {
        const { gate, asked } = setUp();
        await expect(gate.admit(candidates, ann)).rejects.toThrow(TenantMismatchError);
        expect(asked).not.toContain(value);
      }
    },
  );

  it('refuses two names of one kind without a look-up, even where a name needs no proof', async () => {
    const { gate, asked } = setUp({ trustsNetwork: true });
    const candidates = [named('header', 'slug', 'acme'), named('query', 'slug', 'nobody')];
    await expect(gate.admit(candidates, undefined)).rejects.toThrow(TenantMismatchError);
    expect(asked).toEqual([]);
  });

  it('says in the log which place names what', async () => {
    const { gate } = setUp();
    await expect(gate.admit([named('header', 'slug', 'globex'), claim()], ann)).rejects.toThrow(
      `header 'globex', jwt-claim '${acme.id}'`,
    );
  });

  it('needs a proof for a tenant that is only named, and asks the store nothing before', async () => {
    const { gate, asked } = setUp();
    const candidates = [named('header', 'slug', 'acme')];
    await expect(gate.admit(candidates, ann)).rejects.toThrow(TenantClaimMissingError);
    await expect(gate.admit(candidates, undefined)).rejects.toThrow(TenantClaimMissingError);
    expect(asked).toEqual([]);
  });

  it('does not let a membership stand in for a caller', async () => {
    const { gate } = setUp({ membership: { rolesOf: async () => ['admin'] } });
    await expect(gate.admit([named('header', 'slug', 'acme')], undefined)).rejects.toThrow(
      TenantClaimMissingError,
    );
  });

  it.each(['provisioning', 'suspended', 'archived', 'failed'] satisfies TenantStatus[])(
    'refuses a tenant that is %s',
    async (status) => {
      const { gate, store } = setUp();
      store.put({ ...acme, status });
      await expect(gate.admit([claim()], ann)).rejects.toMatchObject({
        constructor: TenantForbiddenError,
        reason: status,
        message: expect.stringContaining(`'${acme.id}'`),
      });
    },
  );

  it('refuses an unknown tenant', async () => {
    const { gate } = setUp();
    await expect(gate.admit([named('jwt-claim', 'slug', 'nobody')], ann)).rejects.toMatchObject({
      reason: 'unknown',
    });
  });

  it('refuses a record that is not the one it asked for', async () => {
    const { gate, store } = setUp();
    jest.spyOn(store, 'findById').mockResolvedValue(globex);
    await expect(gate.admit([claim()], ann)).rejects.toThrow(TenantMismatchError);
  });

  it('lets the membership decide, also beside a claim, and takes the roles from it', async () => {
    const membership: TenantMembership = {
      rolesOf: async (_, tenant) => (tenant.slug === 'acme' ? ['owner'] : undefined),
    };
    const { gate } = setUp({ membership });
    const roles = { roles: ['owner'] };
    await expect(gate.admit([named('header', 'slug', 'acme')], ann)).resolves.toMatchObject(roles);
    await expect(gate.admit([claim()], ann)).resolves.toMatchObject(roles);
    for (const candidate of [named('header', 'slug', 'globex'), claim(globex.id)]) {
      await expect(gate.admit([candidate], ann)).rejects.toMatchObject({ reason: 'not-a-member' });
    }
  });

  it('keeps a user name with line ends on one line of the log', async () => {
    const { gate } = setUp();
    const eve = { ...ann, userId: 'eve\nWARN forged' };
    await expect(gate.admit([named('jwt-claim', 'slug', 'nobody')], eve)).rejects.toMatchObject({
      message: expect.not.stringContaining('\n'),
    });
  });

  it('admits without a caller in a trusted network, with no roles', async () => {
    const { gate } = setUp({ trustsNetwork: true });
    await expect(gate.admit([named('header', 'slug', 'acme')], undefined)).resolves.toEqual({
      record: acme,
      roles: [],
    });
  });
});

it('a candidate names a tenant by exactly its id, its slug or one of its domains', () => {
  const names = (by: TenantCandidate['by'], value: string) => candidateNames(named('x', by, value), acme);
  expect([names('id', acme.id), names('slug', 'acme'), names('domain', 'shop.acme.test')]).toEqual([
    true,
    true,
    true,
  ]);
  expect([
    names('id', 'acme'),
    names('slug', acme.id),
    names('slug', 'acm'),
    names('domain', 'acme.tes'),
  ]).toEqual([false, false, false, false]);
});
