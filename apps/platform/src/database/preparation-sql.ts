import pg from 'pg';
import { databaseOf, loginOf } from './connection-url.js';

const SET_CONFIG = 'FUNCTION pg_catalog.set_config(text, text, boolean)';

/**
 * What lets the login of `url` prepare its database by itself: make roles and schemas there, and hand on the
 * one function that the runtime login needs and tenants must not have.
 */
export function preparationSql(url: string): string {
  const login = pg.escapeIdentifier(loginOf(url));
  return [
    `ALTER ROLE ${login} CREATEROLE;`,
    `ALTER DATABASE ${pg.escapeIdentifier(databaseOf(url))} OWNER TO ${login};`,
    `REVOKE CREATE ON SCHEMA public FROM PUBLIC;`,
    `GRANT EXECUTE ON ${SET_CONFIG} TO ${login} WITH GRANT OPTION;`,
    `REVOKE EXECUTE ON ${SET_CONFIG} FROM PUBLIC;`,
  ].join('\n');
}
