import { UNBOUND_SEARCH_PATH } from '../binding/binding.js';
import { BOTH, id, type Check } from './check.js';

/** Settings whose default decides where statements land, or what their text means; with the value that is ours. */
const TELLING_SETTINGS: Readonly<Record<string, string | undefined>> = {
  search_path: UNBOUND_SEARCH_PATH,
  role: 'none',
  session_replication_role: 'origin',
  row_security: 'on',
  standard_conforming_strings: 'on',
  session_preload_libraries: '',
  local_preload_libraries: '',
};

interface Drift {
  readonly setting: string;
  readonly for_role: boolean;
  readonly for_database: boolean;
}

/** `ALTER ROLE … SET` lasts for ever, and a session may do it to its own login. Three rows by index. */
export const settingsDrift: Check = {
  levels: BOTH,
  async inspect(session, { login, database }) {
    const found = await session.query<Drift>(`
      SELECT unnest(s.setconfig) AS setting, s.setrole <> 0 AS for_role, s.setdatabase <> 0 AS for_database
      FROM pg_db_role_setting s
      WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))`);
    return found.flatMap(({ setting, for_role, for_database }) => {
      const name = setting.slice(0, setting.indexOf('='));
      const value = setting.slice(name.length + 1);
      if (!Object.hasOwn(TELLING_SETTINGS, name) || value === TELLING_SETTINGS[name]) return [];
      const subject = for_role
        ? `ROLE ${id(login)}${for_database ? ` IN DATABASE ${id(database)}` : ''}`
        : `DATABASE ${id(database)}`;
      return [
        {
          code: 'SETTINGS_DRIFT' as const,
          severity: 'weakens' as const,
          what: `${subject} has a default of its own for ${name} (${value}); nobody but an attacker, or a pooler's set-up, needs one`,
          remedy: `ALTER ${subject} RESET ${name}`,
        },
      ];
    });
  },
};

/** What a session of the pool starts with, before anything is bound to it. */
export const sessionStart: Check = {
  levels: BOTH,
  async inspect(session, { ownPool, login }) {
    if (!ownPool) return [];
    const [start] = await session.query<{ role: string; path: string }>(
      `SELECT current_user::text AS role, current_setting('search_path') AS path`,
    );
    if (!start) return [];
    const defaults = `ALTER ROLE ${id(login)} SET search_path = ${UNBOUND_SEARCH_PATH}; ALTER ROLE ${id(login)} SET role = none`;
    if (start.role !== login) {
      return [
        {
          code: 'SESSION_STARTS_AS_ANOTHER',
          severity: 'breaks',
          what: `sessions of '${login}' start as '${start.role}', which is what statements without a tenant run as`,
          remedy: defaults,
        },
      ];
    }
    if (start.path !== UNBOUND_SEARCH_PATH) {
      return [
        {
          code: 'SESSION_STARTS_BOUND',
          severity: 'weakens',
          what: `sessions start with search_path ${start.path}, so a statement without a tenant may find something there`,
          remedy: `${defaults}; and connect to PostgreSQL itself, or to a pooler that passes start-up options on`,
        },
      ];
    }
    return [];
  },
};

/**
 * Who answers under another process id than the one announced is not the server itself. Whether it hands its
 * sessions around is tried with a second connection, but only then.
 */
export const poolerInFront: Check = {
  levels: BOTH,
  async inspect(session, { pooler }) {
    // Told so, the pool sends nothing that needs a session.
    if (session.processID === null || pooler === 'transaction') return [];
    const pid = async (of: typeof session): Promise<number> =>
      (await of.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]!.pid;
    const backend = await pid(session);
    if (backend === session.processID) return [];
    const second = await session.another?.();
    try {
      if ((second && (await pid(second)) === backend) || (await pid(session)) !== backend) {
        return [
          {
            code: 'POOLER_PER_TRANSACTION',
            severity: 'breaks',
            what: 'a pooler in front of PostgreSQL lends sessions per transaction: statements that run alone (VACUUM, CALL, DO) could meet the tenant of another',
            remedy:
              "say pool: { pooler: 'transaction' }, which sends nothing that needs a session; or connect to PostgreSQL itself",
          },
        ];
      }
    } finally {
      second?.release();
    }
    return [
      {
        code: 'POOLER_IN_FRONT',
        severity: 'weakens',
        what: 'something in front of PostgreSQL answers for it; if it lends sessions per transaction, tenants could meet on one',
        remedy:
          "if it may pool per transaction, say pool: { pooler: 'transaction' }; PgBouncer should be 1.25.2 or later",
      },
    ];
  },
};
