import { UNBOUND_SEARCH_PATH } from '../binding/binding.js';
import { BOTH, EXAMPLES, id, listed, statements, tenantSchemas, type Check } from './check.js';

/** One row by index. */
export const unboundSchema: Check = {
  levels: BOTH,
  async inspect(session) {
    const found = await session.query('SELECT FROM pg_namespace WHERE nspname = $1', [UNBOUND_SEARCH_PATH]);
    if (found.length === 0) return [];
    return [
      {
        code: 'UNBOUND_SCHEMA_EXISTS',
        severity: 'breaks',
        what: `schema '${UNBOUND_SEARCH_PATH}' exists, so a statement without a tenant would find what is in it instead of failing`,
        remedy: `ALTER SCHEMA ${id(UNBOUND_SEARCH_PATH)} RENAME TO <another name>, or DROP SCHEMA ${id(UNBOUND_SEARCH_PATH)}`,
      },
    ];
  },
};

/** By index: one look for each entity in each extension schema. */
export const shadowedTables: Check = {
  levels: BOTH,
  async inspect(session, { extensionSchemas, tables }) {
    if (extensionSchemas.length === 0 || tables.length === 0) return [];
    const found = await session.query<{ schema: string; name: string }>(
      `SELECT n.nspname::text AS schema, c.relname::text AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = ANY ($1::text[]) AND n.nspname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       ORDER BY 1, 2 LIMIT ${EXAMPLES + 1}`,
      [tables, extensionSchemas],
    );
    if (found.length === 0) return [];
    const names = found.map(({ schema, name }) => `${id(schema)}.${id(name)}`);
    return [
      {
        code: 'TABLE_IN_EXTENSION_SCHEMA',
        severity: 'breaks',
        what: `${listed(names)} are in every tenant's path under an entity's name: a tenant whose own table is missing would share them`,
        remedy: statements(names, (name) => `ALTER TABLE ${name} SET SCHEMA <a schema outside of the path>`),
      },
    ];
  },
};

/**
 * One name in both is legal, and a trap: code that runs in the wrong context reads the wrong table instead of
 * failing. By index: one look for each table of the central schema.
 */
export const sharedNames: Check = {
  levels: BOTH,
  async inspect(session, { level, centralSchema, extensionSchemas, bookkeeping }) {
    const found = await session.query<{ name: string }>(
      `WITH ${tenantSchemas(level)},
       central AS (SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> ALL ($3::text[]))
       SELECT relname::text AS name FROM central
       WHERE EXISTS (SELECT FROM tenant t WHERE t.oid IN
               (SELECT c.relnamespace FROM pg_class c WHERE c.relname = central.relname))
       ORDER BY 1 LIMIT ${EXAMPLES + 1}`,
      [centralSchema, extensionSchemas, bookkeeping],
    );
    if (found.length === 0) return [];
    const names = found.map(({ name }) => name);
    return [
      {
        code: 'TABLE_IN_CENTRAL_AND_TENANT',
        severity: 'weakens',
        what: `${listed(names)} exist both in '${centralSchema}' and in tenants' schemas: code in the wrong context would read the wrong one without an error`,
        remedy: statements(
          names,
          (name) => `ALTER TABLE ${id(centralSchema)}.${id(name)} RENAME TO ${id(`central_${name}`)}`,
        ),
      },
    ];
  },
};
