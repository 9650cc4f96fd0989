import { TenancyError } from '@tenantry/core';
import type { IsolationFinding } from './finding.js';

/** The database is set up in a way that lets one tenant reach another. The application does not start. */
export class IsolationBrokenError extends TenancyError {
  constructor(readonly findings: readonly IsolationFinding[]) {
    super({
      code: 'ISOLATION_BROKEN',
      kind: 'internal',
      message:
        'The isolation of tenants can be by-passed in this database:\n' +
        findings.map(({ code, what, remedy }) => `  - ${code}: ${what}. Remedy: ${remedy}`).join('\n') +
        "\nsetUpDatabase makes a login that is confined. If you accept this, say isolation: { level: 'path' }.",
    });
  }
}
