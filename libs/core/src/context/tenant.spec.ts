import { tenantRecord } from '../testing/in-memory-tenant-store.js';
import { snapshotTenant } from './tenant.js';

describe('snapshotTenant', () => {
  it('holds the fields of a tenant and nothing else of the record', () => {
    expect(Object.keys(snapshotTenant(tenantRecord())).toSorted()).toEqual(
      ['generation', 'id', 'metadata', 'name', 'placement', 'schema', 'slug', 'tier'].toSorted(),
    );
  });

  it('does not change with its source', () => {
    const theme = { colours: ['red'] };
    const placement = { cluster: 'eu' };
    const source = { ...tenantRecord({ placement }), metadata: { theme } };
    const snapshot = snapshotTenant(source);
    source.slug = 'other';
    placement.cluster = 'us';
    theme.colours.push('blue');
    expect(snapshot).toMatchObject({
      slug: expect.stringMatching(/^t-/),
      placement: { cluster: 'eu' },
      metadata: { theme: { colours: ['red'] } },
    });
  });

  it('is frozen to the last leaf', () => {
    const metadata = { theme: { colours: ['red', { name: 'blue' }] }, empty: {} };
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(snapshotTenant(tenantRecord({ metadata })))).toBe(true);
  });

  it('freezes what its source had frozen on the surface only', () => {
    const snapshot = snapshotTenant(tenantRecord({ metadata: Object.freeze({ list: [1] }) }));
    expect(Object.isFrozen(snapshot.metadata['list'])).toBe(true);
  });

  it('takes metadata that refers to itself', () => {
    const metadata: Record<string, unknown> = {};
    metadata['self'] = metadata;
    expect(Object.isFrozen(snapshotTenant(tenantRecord({ metadata })).metadata['self'])).toBe(true);
  });
});
