import { TenantContext } from '@tenantry/core';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Membership } from '../auth/membership.entity.js';
import { Users } from '../auth/users.js';
import { DEMO_OPERATOR, DEMO_PASSWORD } from '../seed/demo-data.js';
import type { RunningPlatform } from '../start/start-platform.js';
import { ApiClient } from './api-client.js';
import type { Narrator } from './narrator.js';

interface Campaign {
  readonly id: string;
  readonly name: string;
  readonly body: string;
}
interface List<T> {
  readonly items: readonly T[];
  readonly total: number;
}
interface Tenant {
  readonly id: string;
  readonly status: string;
}

const REQUESTS_OF_THE_CROWD = 600;
const CROWD_AT_ONCE = 30;

/** The main story of the platform, over HTTP; every claim is checked. */
export class Story {
  static readonly chapters = 8;
  readonly #api: ApiClient;
  #acme = '';
  #globex = '';
  #operator = '';
  #umbrella = '';
  #umbrellaId = '';

  constructor(
    private readonly platform: RunningPlatform,
    private readonly narrator: Narrator,
  ) {
    this.#api = new ApiClient(platform.url);
  }

  async tell(): Promise<void> {
    const { narrator } = this;
    await narrator.chapter('Two tenants and an operator sign in', () => this.#signIn());
    await narrator.chapter('Each tenant works as if it were alone', () => this.#workAlone());
    await narrator.chapter('Acme reaches for a campaign of Globex, by its id', () => this.#reachAcross());
    await narrator.chapter('Lies about the tenant are refused', () => this.#lie());
    await narrator.chapter('The operator makes a tenant on the running platform', () => this.#makeTenant());
    await narrator.chapter('The new tenant is used', () => this.#useTenant());
    await narrator.chapter('Suspended is suspended, at the very next request', () => this.#suspend());
    await narrator.chapter('Three tenants at once, on one small pool', () => this.#crowd());
  }

  async #signIn(): Promise<void> {
    this.#acme = await this.#api.signIn('owner@acme.test', DEMO_PASSWORD);
    this.#globex = await this.#api.signIn('owner@globex.test', DEMO_PASSWORD);
    this.#operator = await this.#api.signIn(DEMO_OPERATOR, DEMO_PASSWORD);
    for (const [slug, token] of [
      ['acme', this.#acme],
      ['globex', this.#globex],
    ] as const) {
      const { body } = await this.#api.call<{ tenant: { slug: string } }>('/me', { token });
      this.narrator.expect(body.tenant?.slug === slug, `the token of owner@${slug}.test opens ${slug}`, body);
    }
  }

  async #workAlone(): Promise<void> {
    const name = 'Winter sale';
    for (const [slug, token] of [
      ['acme', this.#acme],
      ['globex', this.#globex],
    ] as const) {
      const body = { name, subject: 'Snow', body: `by ${slug}` };
      const { status } = await this.#api.call('/marketing/campaigns', { token, body });
      this.narrator.expect(status === 201, `${slug} creates a campaign '${name}'`, status);
    }
    for (const [slug, token] of [
      ['acme', this.#acme],
      ['globex', this.#globex],
    ] as const) {
      const winter = (await this.#campaigns(token)).filter((campaign) => campaign.name === name);
      const own = winter.length === 1 && winter[0]?.body === `by ${slug}`;
      this.narrator.expect(own, `${slug} lists one '${name}', its own`, winter);
    }
  }

  async #reachAcross(): Promise<void> {
    const [theirs] = await this.#campaigns(this.#globex);
    const path = `/marketing/campaigns/${theirs?.id}`;
    const attempts = [
      { method: 'GET' },
      { method: 'PATCH', body: { name: 'Mine now' } },
      { method: 'DELETE' },
    ];
    for (const attempt of attempts) {
      const { status } = await this.#api.call(path, { ...attempt, token: this.#acme });
      this.narrator.expect(
        status === 404,
        `${attempt.method} answers 404, as for any id that does not exist`,
        status,
      );
    }
    const { body } = await this.#api.call<Campaign>(path, { token: this.#globex });
    this.narrator.expect(body.name === theirs?.name, 'Globex still has it, unchanged', body);
  }

  async #lie(): Promise<void> {
    const path = '/marketing/campaigns';
    const lies: readonly (readonly [string, number, Parameters<ApiClient['call']>[1]])[] = [
      [
        "Acme's token with 'X-Tenant-ID: globex'",
        403,
        { token: this.#acme, headers: { 'x-tenant-id': 'globex' } },
      ],
      ['no token', 401, {}],
      ["no token, but 'X-Tenant-ID: globex'", 401, { headers: { 'x-tenant-id': 'globex' } }],
      ["the operator's token, which carries no tenant", 401, { token: this.#operator }],
    ];
    for (const [lie, expected, call] of lies) {
      const { status } = await this.#api.call(path, call);
      this.narrator.expect(status === expected, `${lie}: ${expected}`, status);
    }
    const { status } = await this.#api.call('/admin/tenants', { token: this.#acme });
    this.narrator.expect(status === 403, "Acme's token on a route for operators: 403", status);
  }

  async #makeTenant(): Promise<void> {
    const body = { name: 'Umbrella', slug: 'umbrella', tier: 'growth' };
    const made = await this.#api.call<Tenant>('/admin/tenants', { token: this.#operator, body });
    this.#umbrellaId = made.body.id;
    this.narrator.expect(
      made.status === 201 && made.body.status === 'active',
      `registry entry, database role, schema and tables in ${made.tookMs.toFixed(0)} ms`,
      made.body,
    );
    const again = await this.#api.call('/admin/tenants', { token: this.#operator, body });
    this.narrator.expect(again.status === 409, 'a second one of that name: 409', again.status);
  }

  async #useTenant(): Promise<void> {
    await this.#joinUmbrella('multi@acme.test');
    this.#umbrella = await this.#api.signIn('multi@acme.test', DEMO_PASSWORD, this.#umbrellaId);
    const before = await this.#campaigns(this.#umbrella);
    this.narrator.expect(before.length === 0, 'it begins empty', before);
    const body = { name: 'Opening', subject: 'We are open', body: 'by umbrella' };
    const { status } = await this.#api.call('/marketing/campaigns', { token: this.#umbrella, body });
    this.narrator.expect(status === 201, 'it creates its first campaign', status);
  }

  async #suspend(): Promise<void> {
    const use = async (): Promise<number> =>
      (await this.#api.call('/marketing/campaigns', { token: this.#umbrella })).status;
    const operate = (verb: string): Promise<unknown> =>
      this.#api.call(`/admin/tenants/${this.#umbrellaId}/${verb}`, { method: 'POST', token: this.#operator });
    await operate('suspend');
    const suspended = await use();
    this.narrator.expect(
      suspended === 403,
      'suspended: the token that worked a moment ago gets 403',
      suspended,
    );
    await operate('resume');
    const resumed = await use();
    this.narrator.expect(resumed === 200, 'resumed: it works again', resumed);
  }

  async #crowd(): Promise<void> {
    const tenants = [
      ['acme', this.#acme],
      ['globex', this.#globex],
      ['umbrella', this.#umbrella],
    ] as const;
    let next = 0;
    let wrong = 0;
    const work = async (): Promise<void> => {
      while (next < REQUESTS_OF_THE_CROWD) {
        const [slug, token] = tenants[next++ % tenants.length]!;
        const own = (await this.#campaigns(token)).filter(({ body }) => body.startsWith('by '));
        if (own.length !== 1 || own[0]?.body !== `by ${slug}`) wrong++;
      }
    };
    await Promise.all(Array.from({ length: CROWD_AT_ONCE }, work));
    this.narrator.expect(
      wrong === 0,
      `${REQUESTS_OF_THE_CROWD} requests, ${CROWD_AT_ONCE} at a time: everybody saw their own rows only`,
      wrong,
    );
    const connections = await this.#connections();
    this.narrator.expect(
      connections > 0 && connections <= 20,
      `all of this used ${connections} connections to PostgreSQL: the pool decides, not the number of tenants`,
      connections,
    );
  }

  async #campaigns(token: string): Promise<readonly Campaign[]> {
    const { body } = await this.#api.call<List<Campaign>>('/marketing/campaigns', { token });
    return body.items;
  }

  /** An identity provider's business, for which the platform has no route. */
  async #joinUmbrella(email: string): Promise<void> {
    const { app } = this.platform;
    const user = await app.get(Users, { strict: false }).findByEmail(email);
    const membership = { userId: user!.id, tenantId: this.#umbrellaId, roles: ['owner'] };
    await TenantContext.runCentral(() => app.get(DataSource).getRepository(Membership).insert(membership));
  }

  async #connections(): Promise<number> {
    const session = new pg.Client({ connectionString: this.platform.embedded!.url });
    await session.connect();
    try {
      const { rows } = await session.query<{ count: number }>(
        `SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      return rows[0]?.count ?? 0;
    } finally {
      await session.end();
    }
  }
}
