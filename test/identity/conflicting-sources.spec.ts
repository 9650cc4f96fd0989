import {
  headerStrategy,
  pathStrategy,
  queryStrategy,
  subdomainStrategy,
  customDomainStrategy,
} from '@tenantry/core';
import type { Call } from './support/http-client.js';
import {
  acme,
  ADAPTERS,
  EVERY_SOURCE,
  globex,
  startSampleApp,
  type SampleApp,
} from './support/sample-app.js';
import { JWT, tokenWith } from './support/tokens.js';

type Tenant = typeof acme;
type Source = 'header' | 'query' | 'path' | 'subdomain' | 'custom domain';
type Naming = readonly [source: Source, tenant: Tenant, by?: 'id' | 'slug'];

const SOURCES: readonly Source[] = ['header', 'query', 'path', 'subdomain', 'custom domain'];
const isHost = (source: Source) => source === 'subdomain' || source === 'custom domain';

/** Sources that one request can have together: it has one host. */
function together(count: number, from = SOURCES): readonly (readonly Source[])[] {
  if (count === 0) return [[]];
  return from.flatMap((source, i) =>
    together(count - 1, from.slice(i + 1))
      .filter((rest) => !(isHost(source) && rest.some(isHost)))
      .map((rest) => [source].concat(rest)),
  );
}

/** Every way to let each of the sources name one of the two tenants. */
function assignments([source, ...rest]: readonly Source[]): readonly (readonly Naming[])[] {
  if (source === undefined) return [[]];
  const first: readonly Naming[][] = [[[source, acme]], [[source, globex]]];
  return first.flatMap((naming) => assignments(rest).map((others) => naming.concat(others)));
}

function requestNaming(namings: readonly Naming[]): { target: string; headers: [string, string][] } {
  let path = '/whoami';
  let query = '';
  const headers: [string, string][] = [];
  for (const [source, tenant, by = 'slug'] of namings) {
    if (source === 'header') headers.push(['X-Tenant-ID', tenant[by]]);
    if (source === 'query') query = `?tenant_id=${tenant[by]}`;
    if (source === 'path') path = `/tenants/${tenant[by]}/whoami`;
    if (source === 'subdomain') headers.push(['Host', `${tenant[by]}.platform.test`]);
    if (source === 'custom domain') headers.push(['Host', tenant.domains[0]!]);
  }
  return { target: path + query, headers };
}

const send = (app: SampleApp, namings: readonly Naming[], token: string) => {
  const { target, headers } = requestNaming(namings);
  return app.call(target, { headers, token } satisfies Call);
};
const titled = (cases: readonly (readonly Naming[])[]) =>
  cases.map(
    (namings) => [namings.map(([source, { slug }]) => `${source} ${slug}`).join(', '), namings] as const,
  );
const namesOf = ({ id, slug, domains }: Tenant) => [id, slug, ...domains];

const MISMATCH = {
  status: 403,
  body: {
    statusCode: 403,
    error: 'Forbidden',
    message: 'The request names different tenants.',
    code: 'TENANT_MISMATCH',
  },
};

describe.each(ADAPTERS)('on %s', (_, makeAdapter) => {
  let app: SampleApp;
  beforeEach(() => {
    app.store.asked.length = 0;
    app.log.length = 0;
  });

  describe('a request whose token is for acme', () => {
    beforeAll(async () => {
      app = await startSampleApp(makeAdapter());
    });
    afterAll(() => app.nest.close());
    const token = tokenWith({ tenant_id: acme.id });
    const sets = [1, 2, 3].flatMap((count) => together(count)).flatMap(assignments);
    const foreign = sets.filter((namings) => namings.some(([, tenant]) => tenant === globex));

    it.each(titled(foreign))('is refused with %s, and globex is never looked up', async (_title, namings) => {
      await expect(send(app, namings, token)).resolves.toMatchObject(MISMATCH);
      expect(app.store.asked.filter((name) => namesOf(globex).includes(name))).toEqual([]);
      expect(app.log).toEqual([expect.stringMatching(/^TENANT_MISMATCH: .*globex/)]);
    });

    it.each(titled(sets.filter((namings) => !foreign.includes(namings))))(
      'is served with %s',
      async (_title, namings) => {
        await expect(send(app, namings, token)).resolves.toMatchObject({
          status: 200,
          body: { tenant: 'acme' },
        });
      },
    );

    it('is served when sources name the tenant by id, slug and domain', async () => {
      for (const by of ['id', 'slug'] as const) {
        for (const claim of [acme.id, acme.slug]) {
          const namings: Naming[] = [
            ['header', acme, by],
            ['query', acme, by === 'id' ? 'slug' : 'id'],
            ['path', acme, by],
            ['custom domain', acme],
          ];
          const answer = await send(app, namings, tokenWith({ tenant_id: claim }));
          expect(answer).toMatchObject({ status: 200, body: { tenant: 'acme' } });
        }
      }
    });

    it.each(['/Tenants', '/TENANTS', '/%74enants', '/tenant%73'])(
      'never reaches the route of globex through %s, however the router reads it',
      async (prefix) => {
        const answer = await app.call(`${prefix}/${globex.id}/whoami`, { token });
        expect([MISMATCH.body, expect.objectContaining({ statusCode: 404 })]).toContainEqual(answer.body);
      },
    );
  });

  describe('a request whose token names no tenant, of a member of both', () => {
    beforeAll(async () => {
      const strategies = [
        headerStrategy(),
        queryStrategy(),
        pathStrategy(),
        subdomainStrategy({ baseDomains: ['platform.test'] }),
        customDomainStrategy({ ownHosts: ['platform.test'] }),
      ];
      const membership = { rolesOf: async () => ['member'] };
      app = await startSampleApp(makeAdapter(), {
        tenancy: {
          ...EVERY_SOURCE,
          resolution: { strategies },
          access: { kind: 'jwt', jwt: JWT, membership },
        },
      });
    });
    afterAll(() => app.nest.close());
    const conflicts = [2, 3]
      .flatMap((count) => together(count))
      .flatMap(assignments)
      .filter((namings) => new Set(namings.map(([, tenant]) => tenant)).size === 2);

    it.each(titled(conflicts))('is refused with %s', async (_title, namings) => {
      await expect(send(app, namings, tokenWith())).resolves.toMatchObject(MISMATCH);
    });
  });
});
