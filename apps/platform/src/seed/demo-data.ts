/** Password of every demo user. */
export const DEMO_PASSWORD = 'demo';

export const DEMO_OPERATOR = 'operator@platform.test';

export const DEMO_TENANTS = [
  { slug: 'acme', name: 'Acme', tier: 'starter' },
  { slug: 'globex', name: 'Globex', tier: 'growth' },
  { slug: 'initech', name: 'Initech', tier: 'enterprise' },
] as const;

export type DemoSlug = (typeof DEMO_TENANTS)[number]['slug'];

export const DEMO_MEMBERS: readonly { readonly email: string; readonly tenants: readonly DemoSlug[] }[] = [
  { email: 'owner@acme.test', tenants: ['acme'] },
  { email: 'owner@globex.test', tenants: ['globex'] },
  { email: 'owner@initech.test', tenants: ['initech'] },
  { email: 'multi@acme.test', tenants: ['acme', 'globex'] },
];

/** Campaigns of a tenant; two of the names are the same for all of them. */
export function demoCampaigns(name: string): { name: string; subject: string; body: string }[] {
  return [
    {
      name: 'Spring sale',
      subject: `Spring at ${name}`,
      body: `Everything blossoms at ${name}: 20% off until May.`,
    },
    {
      name: 'Monthly newsletter',
      subject: `News from ${name}`,
      body: `What happened at ${name} this month.`,
    },
    { name: `Welcome to ${name}`, subject: 'Good to have you', body: `Thank you for joining ${name}.` },
  ];
}
