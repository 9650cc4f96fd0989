import fc from 'fast-check';
import { nodeRequestLike } from '../../test/support/request.js';
import { TenantMismatchError } from '../access/access.errors.js';
import { TenantGate } from '../access/tenant-gate.js';
import { TenantKeyMalformedError } from '../registry/tenant-key.errors.js';
import { TenantRegistry } from '../registry/tenant-registry.js';
import { InMemoryTenantStore, tenantRecord } from '../testing/in-memory-tenant-store.js';
import { customDomainStrategy } from './strategies/custom-domain.js';
import { headerStrategy } from './strategies/header.js';
import { jwtClaimStrategy } from './strategies/jwt-claim.js';
import { pathStrategy } from './strategies/path.js';
import { queryStrategy } from './strategies/query.js';
import { subdomainStrategy } from './strategies/subdomain.js';
import { TenantResolver } from './tenant-resolver.js';

const STRATEGIES = [
  headerStrategy(),
  queryStrategy(),
  pathStrategy(),
  subdomainStrategy({ baseDomains: ['example.com'] }),
  customDomainStrategy({ ownHosts: ['example.com'] }),
  jwtClaimStrategy(),
];
const resolver = new TenantResolver(STRATEGIES);

describe('TenantResolver', () => {
  it('returns what every strategy finds, in their order, and decides nothing', () => {
    const request = nodeRequestLike({
      url: '/tenants/initech/x?tenant_id=globex',
      headers: [
        ['Host', 'hooli.example.com'],
        ['X-Tenant-ID', 'acme'],
      ],
    });
    expect(resolver.resolveFromRequest(request, { tenant_id: 'umbrella' })).toEqual([
      { strategy: 'header', forgeable: true, by: 'slug', value: 'acme' },
      { strategy: 'query', forgeable: true, by: 'slug', value: 'globex' },
      { strategy: 'path', forgeable: true, by: 'slug', value: 'initech' },
      { strategy: 'subdomain', forgeable: false, by: 'slug', value: 'hooli' },
      { strategy: 'jwt-claim', forgeable: false, by: 'slug', value: 'umbrella' },
    ]);
    expect(resolver.resolveFromRequest(nodeRequestLike())).toEqual([]);
  });

  it('reads links as well', () => {
    const found = resolver.resolveFromUrl('https://ACME.example.com:8443/tenants/acme?tenant_id=acme');
    expect(found.map(({ strategy, value }) => [strategy, value])).toEqual([
      ['query', 'acme'],
      ['path', 'acme'],
      ['subdomain', 'acme'],
    ]);
    expect(resolver.resolveFromUrl(new URL('https://shop.acme.test/'))).toMatchObject([
      { by: 'domain', value: 'shop.acme.test' },
    ]);
  });

  it.each(['https://example.com/?tenant_id=a,b', 'https://a.b.example.com/', '/tenants/acme', 'no url', ''])(
    'refuses the link %j',
    (url) => {
      expect(() => resolver.resolveFromUrl(url)).toThrow(TenantKeyMalformedError);
    },
  );
});

describe('sources taken together', () => {
  const TENANTS = ['acme', 'globex'].map((slug) => tenantRecord({ slug, domains: [`${slug}.test`] }));
  const gate = new TenantGate(new TenantRegistry(new InMemoryTenantStore(...TENANTS)), undefined, true);

  /** Each source may be absent, name a tenant by slug or id, or be malformed. */
  const named = fc.constantFrom('-', 'acme', 'globex', TENANTS[0]!.id, TENANTS[1]!.id, 'nobody', 'a, b');
  const sources = fc.record({
    header: named,
    query: named,
    path: named,
    claim: named,
    host: fc.constantFrom(
      '-',
      'acme.example.com',
      'globex.example.com',
      'acme.test',
      'globex.test',
      'x.test',
    ),
  });
  type Sources = typeof sources extends fc.Arbitrary<infer S> ? S : never;

  function candidatesOf({ header, query, path, claim, host }: Sources) {
    const request = nodeRequestLike({
      url: `${path === '-' ? '/' : `/tenants/${path}`}${query === '-' ? '' : `?tenant_id=${query}`}`,
      headers: [
        ...(header === '-' ? [] : [['X-Tenant-ID', header] as const]),
        ...(host === '-' ? [] : [['Host', host] as const]),
      ],
    });
    return resolver.resolveFromRequest(request, claim === '-' ? {} : { tenant_id: claim });
  }

  async function outcomeOf(given: Sources): Promise<{ tenant?: string; refused?: unknown }> {
    try {
      const admitted = await gate.admit(candidatesOf(given), undefined);
      return admitted ? { tenant: admitted.record.slug } : {};
    } catch (error) {
      return { refused: error };
    }
  }

  it('one more of them never changes the tenant: it confirms, or makes it refuse', async () => {
    await fc.assert(
      fc.asyncProperty(
        sources,
        fc.constantFrom<keyof Sources>('header', 'query', 'path', 'claim', 'host'),
        async (all, added) => {
          const before = await outcomeOf({ ...all, [added]: '-' });
          const after = await outcomeOf(all);
          const refused = after.refused !== undefined;
          expect(before.refused ? refused : refused || after.tenant === (before.tenant ?? after.tenant)).toBe(
            true,
          );
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('that are well formed and name two tenants are a mismatch, whichever they are', async () => {
    await fc.assert(
      fc.asyncProperty(sources, async (all) => {
        const texts = Object.values(all);
        fc.pre(!texts.some((text) => ['a, b', 'nobody', 'x.test'].includes(text)));
        const names = (tenant: (typeof TENANTS)[number]) =>
          texts.some((text) => text === tenant.id || text.startsWith(tenant.slug));
        fc.pre(TENANTS.every(names));
        expect((await outcomeOf(all)).refused).toBeInstanceOf(TenantMismatchError);
      }),
      { numRuns: 1_000 },
    );
  });
});
