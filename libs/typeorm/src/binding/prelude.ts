import { escapeLiteral } from 'pg';
import type { Binding } from './binding.js';
import type { WireConnection } from './pg-internals.js';

/** Sent ahead of a statement, in the same batch and under the same Sync. */
export interface Prelude {
  /** A deferred `START TRANSACTION`. */
  readonly begin: string | undefined;
  readonly binding: Binding | undefined;
}

/** How many commands the server will complete before the statement's own. */
export function commandCount({ begin, binding }: Prelude): number {
  return (begin === undefined ? 0 : 1) + (binding ? 1 : 0);
}

/** The binding as a prepared statement of the connection; one per shape, for all tenants. */
interface BindingStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
}

// `set_config(…, true)` and not SET LOCAL: outside of BEGIN that draws a warning per statement. The cast to
// regnamespace makes a missing schema an error: set_config alone would accept it, and unqualified names would
// resolve further down the path.
function bindingStatement({ searchPath, role, schema }: Binding): BindingStatement {
  return role === undefined
    ? {
        name: 'tenantry_bind_path',
        text: `SELECT set_config('search_path', $1, true), $2::regnamespace`,
        values: [searchPath, `"${schema}"`],
      }
    : {
        name: 'tenantry_bind_role',
        text: `SELECT set_config('search_path', $1, true), set_config('role', $2, true), $3::regnamespace`,
        values: [searchPath, role, `"${schema}"`],
      };
}

/** Names of the binding statements that a connection is known to have prepared. */
export type PreparedBindings = Set<string>;

/**
 * Writes the prelude as extended-protocol messages without a Sync: if one of them fails, the server skips
 * everything up to the Sync of the statement behind it.
 *
 * @returns the binding statement that is being prepared by this, for the caller to note once it succeeded
 */
export function writeExtended(
  connection: WireConnection,
  prelude: Prelude,
  prepared: PreparedBindings,
): string | undefined {
  if (prelude.begin !== undefined) {
    connection.parse({ text: prelude.begin });
    connection.bind({});
    connection.execute({});
  }
  if (!prelude.binding) return undefined;
  const { name, text, values } = bindingStatement(prelude.binding);
  const isNew = !prepared.has(name);
  if (isNew) {
    // An earlier batch may have prepared it and failed behind that: Close never fails, Parse would.
    connection.close({ type: 'S', name });
    connection.parse({ name, text });
  }
  connection.bind({ statement: name, values });
  connection.execute({});
  return isNew ? name : undefined;
}

/** The prelude as text in front of a simple query, which the server runs as one transaction. */
export function simpleText({ begin, binding }: Prelude): string {
  const statements = begin === undefined ? [] : [begin.replace(/;\s*$/, '')];
  if (binding) {
    const { text, values } = bindingStatement(binding);
    statements.push(text.replaceAll(/\$(\d)/g, (_, n: string) => escapeLiteral(values[Number(n) - 1]!)));
  }
  return statements.map((statement) => `${statement}; `).join('');
}
