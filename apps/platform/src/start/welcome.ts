import { relative } from 'node:path';
import { TenantRegistry, type TenantRecord } from '@tenantry/core';
import { SignIn } from '../auth/sign-in.js';
import { DEMO_MEMBERS, DEMO_OPERATOR, DEMO_PASSWORD, DEMO_TENANTS } from '../seed/demo-data.js';
import type { RunningPlatform } from './start-platform.js';

/** What a start prints: where, who, and lines to paste. */
export async function welcome({ app, url, embedded }: RunningPlatform): Promise<string> {
  const where = [`Tenantry sample platform: ${url}`, `OpenAPI:                  ${url}/docs`];
  if (!embedded) return ['', ...where, ''].join('\n');

  const registry = app.get(TenantRegistry);
  const tenants = await Promise.all(DEMO_TENANTS.map(({ slug }) => registry.lookup('slug', slug)));
  const acme = tenants.find((tenant) => tenant?.slug === 'acme');
  const signIn = app.get(SignIn, { strict: false });
  const token = (email: string): Promise<string | undefined> =>
    signIn.signIn({ email, password: DEMO_PASSWORD }).then(
      ({ accessToken }) => accessToken,
      () => undefined, // such as an owner of a tenant that is suspended
    );
  const [owner, operator] = await Promise.all([token('owner@acme.test'), token(DEMO_OPERATOR)]);
  return [
    '',
    ...where,
    `Data:                     ${shortPath(embedded.dataDir)} (PostgreSQL ${embedded.version})`,
    '',
    `Demo users, all with the password "${DEMO_PASSWORD}":`,
    ...DEMO_MEMBERS.map(({ email, tenants: slugs }) => `  ${email.padEnd(24)}${slugs.join(', ')}`),
    `  ${DEMO_OPERATOR.padEnd(24)}operator of the platform`,
    '',
    'Demo tenants:',
    ...tenants.filter((tenant) => tenant !== undefined).map(describeTenant),
    '',
    'To paste into another terminal (tokens are good for an hour):',
    '',
    ...(owner ? [`ACME=${owner}`] : []),
    ...(operator ? [`OPERATOR=${operator}`] : []),
    '',
    ...curlLines(url, acme),
    '',
    'Stop with Ctrl-C; the data stays for the next start.',
    '',
  ].join('\n');
}

function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

function describeTenant({ id, slug, tier, status }: TenantRecord): string {
  const note = status === 'active' ? '' : `  ${status}`;
  return `  ${slug.padEnd(10)}${tier.padEnd(12)}${id}${note}`;
}

function curlLines(url: string, acme: TenantRecord | undefined): string[] {
  const json = `-H 'content-type: application/json'`;
  const credentials = JSON.stringify({
    email: 'multi@acme.test',
    password: DEMO_PASSWORD,
    tenantId: acme?.id,
  });
  const campaign = JSON.stringify({ name: 'My first', subject: 'Hello', body: 'Nice to meet you' });
  const tenant = JSON.stringify({ name: 'Umbrella', slug: 'umbrella', tier: 'growth' });
  return [
    `curl -s ${url}/marketing/campaigns -H "Authorization: Bearer $ACME"`,
    `curl -s ${url}/marketing/campaigns -H "Authorization: Bearer $ACME" ${json} -d '${campaign}'`,
    `curl -s ${url}/marketing/campaigns -H "Authorization: Bearer $ACME" -H 'X-Tenant-ID: globex'   # 403`,
    `curl -s ${url}/admin/tenants -H "Authorization: Bearer $OPERATOR" ${json} -d '${tenant}'`,
    `curl -s ${url}/auth/token ${json} -d '${credentials}'`,
  ];
}
