import { ATTACKS } from './attacks.js';
import { openBattlefield, type Battlefield } from './battlefield.js';

describe.each(['path', 'role'] as const)('hostile SQL in the context of one tenant, at level %s', (level) => {
  let battlefield: Battlefield;

  beforeAll(async () => {
    battlefield = await openBattlefield(level);
  });

  afterAll(() => battlefield.close());

  it('meets two tenants who see their own rows, and their own only', () => {
    expect(battlefield.untouched).toMatchObject({
      acme: [{ secrets: [expect.stringMatching(/^acmecanary/)], rows: 50 }],
      globex: [{ secrets: [expect.stringMatching(/^globexcanary/)], rows: 50 }],
      unbound: [{ schema: null, path: 'tenantry_unbound' }],
    });
  });

  // Both ways: a leak that is published must still be one, or the page is wrong.
  it.each(ATTACKS.filter(({ verdicts }) => verdicts[level] !== 'n/a').map((attack) => [attack.name, attack]))(
    '%s comes to what is published, and tenants who borrow the connection next see nothing of it',
    async (_, attack) => {
      expect(await battlefield.attack(attack)).toBe(attack.verdicts[level]);
      expect(await battlefield.aftermath()).toEqual(battlefield.untouched);
    },
  );
});
