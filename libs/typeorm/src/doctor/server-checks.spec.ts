import { upgradeNeeded } from './server-checks.js';

describe('upgradeNeeded', () => {
  it.each([
    [140022, '14.23 or later'],
    [150017, '15.18 or later'],
    [160013, '16.14 or later'],
    [170009, '17.10 or later'],
    [180003, '18.4 or later'],
    [130099, 'a major version that is still maintained'],
    [90624, 'a major version that is still maintained'],
  ])('names the release for %d', (version, release) => {
    expect(upgradeNeeded(version)).toBe(release);
  });

  it.each([140023, 150018, 150020, 160014, 170010, 180004, 190000])(
    'has nothing against %d, nor against majors it does not know yet',
    (version) => {
      expect(upgradeNeeded(version)).toBeUndefined();
    },
  );
});
