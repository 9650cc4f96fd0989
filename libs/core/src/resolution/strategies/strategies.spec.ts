import { nodeRequestLike } from '../../../test/support/request.js';
import { UnauthenticatedError } from '../../access/access.errors.js';
import { TenancyConfigurationError } from '../../errors/configuration.error.js';
import { TenantKeyMalformedError } from '../../registry/tenant-key.errors.js';
import { toResolutionRequest, withClaims } from '../resolution-request.js';
import type { TenantResolutionStrategy } from '../tenant-resolution-strategy.js';
import { customDomainStrategy } from './custom-domain.js';
import { headerStrategy } from './header.js';
import { jwtClaimStrategy } from './jwt-claim.js';
import { pathStrategy } from './path.js';
import { queryStrategy } from './query.js';
import { subdomainStrategy } from './subdomain.js';

const ID = '0190a2b4-5c6d-7e8f-9a0b-c1d2e3f40516';
const ACME = { by: 'slug', value: 'acme' };
const ACME_ID = { by: 'id', value: ID };

const request = (parts: Parameters<typeof nodeRequestLike>[0]) =>
  toResolutionRequest(nodeRequestLike(parts), () => false);
const fromUrl = (strategy: TenantResolutionStrategy, url: string) => strategy.resolve(request({ url }));
const fromHost = (strategy: TenantResolutionStrategy, host: string) =>
  strategy.resolve(request({ headers: [['Host', host]] }));
const fromHeaders = (strategy: TenantResolutionStrategy, ...headers: [string, string][]) =>
  strategy.resolve(request({ headers }));

const claimed = (claims: object, strategy = jwtClaimStrategy()) =>
  strategy.resolve(withClaims(request({}), claims as Record<string, unknown>));

describe('headerStrategy', () => {
  const strategy = headerStrategy();

  it('reads an id or a slug', () => {
    expect(fromHeaders(strategy, ['x-tenant-id', 'acme'])).toEqual(ACME);
    expect(fromHeaders(strategy, ['X-Tenant-ID', ID])).toEqual(ACME_ID);
    expect(fromHeaders(strategy, ['Other', 'acme'])).toBeUndefined();
    expect(fromHeaders(headerStrategy({ header: 'X-Org' }), ['x-org', 'acme'])).toEqual(ACME);
  });

  it.each([
    ['sent twice', ['acme', 'acme']],
    ['sent twice for two tenants', ['acme', 'globex']],
    ['with a list', ['acme, globex']],
    ['empty', ['']],
  ])('refuses the header %s', (_, values) => {
    const headers = values.map((value): [string, string] => ['X-Tenant-ID', value]);
    expect(() => fromHeaders(strategy, ...headers)).toThrow(TenantKeyMalformedError);
  });
});

describe('queryStrategy', () => {
  const strategy = queryStrategy();

  it('reads an id or a slug', () => {
    expect(fromUrl(strategy, '/a?x=1&tenant_id=acme')).toEqual(ACME);
    expect(fromUrl(strategy, `/a?tenant_id=${ID.toUpperCase()}`)).toEqual(ACME_ID);
    expect(fromUrl(strategy, '/a?tenant%5Fid=acme')).toEqual(ACME);
    expect(fromUrl(strategy, '/a?tenant_ids=globex&x[tenant_id]=globex')).toBeUndefined();
    expect(fromUrl(queryStrategy({ parameter: 'org' }), '/a?org=acme')).toEqual(ACME);
  });

  it.each([
    '?tenant_id=acme&tenant_id=acme',
    '?tenant_id=acme&tenant_id=globex',
    '?tenant_id[]=acme',
    '?tenant_id%5B%5D=acme',
    '?tenant_id[0]=acme',
    '?tenant_id[x]=acme',
    '?tenant_id=acme&tenant_id[]=globex',
    '?[tenant_id]=acme',
    '?tenant_id',
    '?tenant_id=',
    '?tenant_id=acme%00',
    '?tenant_id=%252e',
  ])('refuses %s', (query) => {
    expect(() => fromUrl(strategy, `/a${query}`)).toThrow(TenantKeyMalformedError);
  });
});

describe('pathStrategy', () => {
  const strategy = pathStrategy();

  it.each([`/tenants/${ID}`, `/tenants/${ID}/users`, `/Tenants/${ID.toUpperCase()}`, `/%74enants/${ID}/`])(
    'reads %s as widely as any router does',
    (url) => {
      expect(fromUrl(strategy, url)).toEqual(ACME_ID);
    },
  );

  it.each([
    '/',
    '/tenants',
    '/tenants/',
    '/tenants//acme',
    '/x/tenants/acme',
    '/tenantsx/acme',
    '/a?/tenants/acme',
  ])('finds no tenant in %s', (url) => {
    expect(fromUrl(strategy, url)).toBeUndefined();
  });

  it.each([
    'a%2f..%2fb',
    'a%00',
    '%252e%252e',
    'acme;x=1',
    '%zz',
    '%c0%ae',
    '..',
    '.',
    'a,b',
    'a'.repeat(64),
    'public',
  ])('refuses the segment %s', (segment) => {
    expect(() => fromUrl(strategy, `/tenants/${segment}/users`)).toThrow(TenantKeyMalformedError);
  });

  it('decodes once', () => {
    expect(fromUrl(strategy, '/tenants/%61cme')).toEqual(ACME);
  });

  it('takes patterns of the whole path, in which other names stand for any segment', () => {
    const versioned = pathStrategy({ pattern: '/api/:version/tenants/:tenantId/users' });
    expect(fromUrl(versioned, '/api/v2/tenants/acme/users/7')).toEqual(ACME);
    expect(fromUrl(versioned, '/api/v2/tenants/acme')).toBeUndefined();
    expect(fromUrl(versioned, '/api//tenants/acme/users')).toBeUndefined();
  });

  it.each([
    '',
    'tenants/:tenantId',
    '/tenants',
    '/tenants/:id',
    '/tenants/:tenantId/',
    '//:tenantId',
    '/:tenantId/:tenantId',
  ])('refuses the pattern %j', (pattern) => {
    expect(() => pathStrategy({ pattern })).toThrow(TenancyConfigurationError);
  });
});

describe('subdomainStrategy', () => {
  const strategy = subdomainStrategy({ baseDomains: ['example.com', 'eu.example.com'] });

  it.each(['acme.example.com', 'ACME.example.com.:8080', 'acme.eu.example.com'])('reads %s', (host) => {
    expect(fromHost(strategy, host)).toEqual(ACME);
  });

  it('reads an id', () => {
    expect(fromHost(strategy, `${ID}.example.com`)).toEqual(ACME_ID);
  });

  it.each([
    'example.com',
    'eu.example.com',
    'www.example.com',
    'api.example.com',
    'admin.eu.example.com',
    'evil-example.com',
    'evilexample.com',
    'acme.example.com.evil.com',
    'localhost',
    '127.0.0.1',
    '[::1]',
  ])('finds no tenant in %s', (host) => {
    expect(fromHost(strategy, host)).toBeUndefined();
  });

  it.each([
    'a.b.example.com',
    'www.acme.example.com',
    'a.acme.eu.example.com',
    'a_b.example.com',
    'a..example.com',
  ])('refuses %s', (host) => {
    expect(() => fromHost(strategy, host)).toThrow(TenantKeyMalformedError);
  });

  it.each([[[]], [['Example.com']], [['example.com:80']], [['.example.com']], [['*.example.com']], [['']]])(
    'refuses the base domains %j',
    (baseDomains) => {
      expect(() => subdomainStrategy({ baseDomains })).toThrow(TenancyConfigurationError);
    },
  );
});

describe('customDomainStrategy', () => {
  const strategy = customDomainStrategy({ ownHosts: ['example.com'] });

  it.each([
    ['shop.acme.test', 'shop.acme.test'],
    ['SHOP.Acme.test.:443', 'shop.acme.test'],
    ['evilexample.com', 'evilexample.com'],
    ['example.com.evil.test', 'example.com.evil.test'],
  ])('asks the registry for %s as %s', (host, value) => {
    expect(fromHost(strategy, host)).toEqual({ by: 'domain', value });
  });

  it.each(['example.com', 'acme.example.com', 'localhost', 'acme.localhost', '127.0.0.1:3000', '[::1]:3000'])(
    'finds no tenant in %s',
    (host) => {
      expect(fromHost(strategy, host)).toBeUndefined();
    },
  );

  it('finds no tenant without a host', () => {
    expect(strategy.resolve(request({}))).toBeUndefined();
  });

  it.each(['https://example.com', 'Example.com', 'example.com:80', ''])('refuses the own host %j', (host) => {
    expect(() => customDomainStrategy({ ownHosts: [host] })).toThrow(TenancyConfigurationError);
  });
});

describe('jwtClaimStrategy', () => {
  it('reads an id or a slug of a verified token only', () => {
    expect(claimed({ tenant_id: 'acme' })).toEqual(ACME);
    expect(claimed({ tenant_id: ID })).toEqual(ACME_ID);
    expect(claimed({ org: 'acme' }, jwtClaimStrategy({ claim: 'org' }))).toEqual(ACME);
    expect(claimed({})).toBeUndefined();
    expect(jwtClaimStrategy().resolve(request({}))).toBeUndefined();
  });

  it('does not take an inherited property for a claim', () => {
    expect(claimed({}, jwtClaimStrategy({ claim: 'constructor' }))).toBeUndefined();
    expect(claimed(Object.create({ tenant_id: 'acme' }))).toBeUndefined();
  });

  it.each([
    [[]],
    [['acme']],
    [['a', 'b']],
    [{}],
    [0],
    [1],
    [''],
    [' acme '],
    ['__proto__'],
    [null],
    [true],
    ['ACME'],
  ])('takes the claim %j for a bad token', (value) => {
    expect(() => claimed({ tenant_id: value })).toThrow(
      expect.objectContaining({ constructor: UnauthenticatedError, reason: 'tenant-claim-malformed' }),
    );
  });
});
