import pg from 'pg';
import { databaseOf, loginOf } from './connection-url.js';

const SET_CONFIG = 'FUNCTION pg_catalog.set_config(text, text, boolean)';

/**
 * What lets the login of `url` prepare its database by itself: make roles and schemas there, and use what tenants
 * must not have, because one statement could change its role with it. Only a superuser can take that from everybody.
 */
export function preparationSql(url: string): string {
  const login = pg.escapeIdentifier(loginOf(url));
  return [
    `ALTER ROLE ${login} CREATEROLE;`,
    `ALTER DATABASE ${pg.escapeIdentifier(databaseOf(url))} OWNER TO ${login};`,
    `REVOKE CREATE ON SCHEMA public FROM PUBLIC;`,
    `GRANT EXECUTE ON ${SET_CONFIG} TO ${login} WITH GRANT OPTION;`,
    `REVOKE EXECUTE ON ${SET_CONFIG} FROM PUBLIC;`,
    `GRANT USAGE ON LANGUAGE plpgsql TO ${login} WITH GRANT OPTION;`,
    `REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;`,
  ].join('\n');
}
