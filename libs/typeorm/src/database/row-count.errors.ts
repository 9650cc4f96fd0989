import { TenancyError } from '@tenantry/core';

/** A query that has to find exactly one row found none. */
export class RowNotFoundError extends TenancyError {
  constructor() {
    super({
      code: 'ROW_NOT_FOUND',
      kind: 'not-found',
      message: 'A query for exactly one row returned none. Where that may be, use oneOrNone().',
    });
  }
}

/** A query that has to find one row at most found several. */
export class RowNotUniqueError extends TenancyError {
  constructor(readonly rows: number) {
    super({
      code: 'ROW_NOT_UNIQUE',
      kind: 'internal',
      message: `A query for one row returned ${rows}. Narrow its condition, or use query().`,
    });
  }
}
