import fc from 'fast-check';

/** What one borrower of a connection does, one after the other. */
export const STEPS = [
  'read',
  'read-without-parameters',
  'read-cursor',
  'write',
  'begin',
  'commit',
  'commit-and-chain',
  'rollback',
  'savepoint',
  'rollback-to-savepoint',
  'fail',
  'failing-commit',
  'begin-unawaited-and-read',
  'set-session-path',
  'set-session-path-in-function',
  'temporary-table',
  'vacuum',
  'procedure-that-commits',
] as const;
export type Step = (typeof STEPS)[number];

/** How the connection is given back. */
export const ENDINGS = ['release', 'unawaited', 'unawaited-begin', 'client-timeout', 'killed'] as const;
export type Ending = (typeof ENDINGS)[number];

/** `unbound`, `ghost` (no such role) and `missing` (no such schema) must never see a row. */
export type Borrower = number | 'unbound' | 'ghost' | 'missing';

export interface Program {
  readonly borrower: Borrower;
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

const program: fc.Arbitrary<Program> = fc.record({
  borrower: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 2 }) },
    { weight: 2, arbitrary: fc.constantFrom('unbound' as const, 'ghost' as const, 'missing' as const) },
  ),
  steps: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<Step>('read', 'write', 'begin') },
      { weight: 5, arbitrary: fc.constantFrom<Step>(...STEPS) },
    ),
    { minLength: 1, maxLength: 9 },
  ),
  ending: fc.oneof(
    { weight: 12, arbitrary: fc.constant<Ending>('release') },
    { weight: 4, arbitrary: fc.constantFrom<Ending>(...ENDINGS) },
  ),
});

/** Programs that run at the same time. */
export function programs({ min = 3, max = 12 } = {}): fc.Arbitrary<readonly Program[]> {
  return fc.array(program, { minLength: min, maxLength: max });
}
