/** Why a test database could not be made or dropped; the values never change. */
export type TestDatabaseErrorCode =
  'TEST_DATABASE_NOT_CONFIGURED' | 'TEST_DATABASE_TEMPLATE_FAILED' | 'TEST_DATABASE_IN_USE';

/** A test database that could not be made, or that was still in use when it was dropped. */
export class TestDatabaseError extends Error {
  override readonly name = 'TestDatabaseError';
  readonly code: TestDatabaseErrorCode;

  constructor(code: TestDatabaseErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
