import { BOTH, id, type Check } from './check.js';

/**
 * First minor release of each major that has the fixes of 2026-05-14 (CVE-2026-6473 and ten more): memory errors
 * that any user who can send SQL may reach, against which no arrangement of rights helps. Those releases also have all
 * earlier fixes of roles that switch on one connection (CVE-2023-2455, CVE-2024-10976, CVE-2024-10978).
 *
 * @see https://www.postgresql.org/support/security/
 */
const FIRST_FIXED_MINOR: Readonly<Record<number, number>> = { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 };
const OLDEST_FIXED_MAJOR = Math.min(...Object.keys(FIRST_FIXED_MINOR).map(Number));

/** @returns the release to upgrade to; `undefined` when the version has the fixes */
export function upgradeNeeded(versionNumber: number): string | undefined {
  const major = Math.floor(versionNumber / 10_000);
  const minor = versionNumber % 10_000;
  if (major < OLDEST_FIXED_MAJOR) return 'a major version that is still maintained';
  const fixed = FIRST_FIXED_MINOR[major];
  return fixed !== undefined && minor < fixed ? `${major}.${fixed} or later` : undefined;
}

/** Two settings of the session. */
export const server: Check = {
  levels: BOTH,
  async inspect(session, { login }) {
    const [facts] = await session.query<{ version: string; number: number; interval: string | null }>(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
              current_setting('client_connection_check_interval', true) AS interval`,
    );
    if (!facts) return [];
    const upgrade = upgradeNeeded(facts.number);
    return [
      ...(upgrade === undefined
        ? []
        : [
            {
              code: 'SERVER_OUTDATED' as const,
              severity: 'weakens' as const,
              what: `PostgreSQL ${facts.version} lacks security fixes, without which a tenant's SQL may get past any right`,
              remedy: `upgrade PostgreSQL to ${upgrade}`,
            },
          ]),
      ...(facts.interval === '0'
        ? [
            {
              code: 'DISCONNECT_UNNOTICED' as const,
              severity: 'weakens' as const,
              what: 'a statement runs on after its process has died, and may still commit (client_connection_check_interval = 0)',
              remedy: `ALTER ROLE ${id(login)} SET client_connection_check_interval = '5s'`,
            },
          ]
        : []),
    ];
  },
};
