import { escapeLiteral } from 'pg';
import { serialize } from 'pg-protocol';
import type { Binding } from './binding.js';

/** Sent ahead of a statement, in the same batch and under the same Sync. */
export interface Prelude {
  /** A deferred `START TRANSACTION`. */
  readonly begin: string | undefined;
  readonly binding: Binding | undefined;
}

/** Names of the binding statements that a connection is known to have prepared; `undefined` where none can be kept. */
export type PreparedBindings = Set<string> | undefined;

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
function bindingStatement({ searchPath, role, statementTimeoutMs, schema }: Binding): BindingStatement {
  const settings = [
    ['search_path', searchPath],
    ['role', role],
    ['statement_timeout', statementTimeoutMs?.toString()],
  ].filter((setting): setting is [string, string] => setting[1] !== undefined);
  const calls = settings.map(([name], i) => `set_config('${name}', $${i + 1}, true)`);
  return {
    name: `tenantry_bind_${settings.map(([name]) => name).join('_')}`,
    text: `SELECT ${calls.join(', ')}, $${settings.length + 1}::regnamespace`,
    values: [...settings.map(([, value]) => value), `"${schema}"`],
  };
}

/** A binding as the bytes that go out for it. */
interface EncodedBinding {
  readonly statement: string;
  /** Close and Parse: for a connection that does not have the statement yet. */
  readonly prepare: () => Buffer;
  /** Bind and Execute of the prepared statement; the same for every use of the binding, so made once. */
  readonly use: Buffer;
  /** Parse, Bind and Execute without a name: for connections that may be another one at the next batch. */
  readonly once: () => Buffer;
}

const encoded = new WeakMap<Binding, EncodedBinding>();

function encodedBinding(binding: Binding): EncodedBinding {
  const known = encoded.get(binding);
  if (known) return known;
  const { name, text, values } = bindingStatement(binding);
  const made: EncodedBinding = {
    statement: name,
    // An earlier batch may have prepared it and failed behind that: Close never fails, Parse would.
    prepare: () => Buffer.concat([serialize.close({ type: 'S', name }), serialize.parse({ name, text })]),
    use: Buffer.concat([serialize.bind({ statement: name, values: [...values] }), serialize.execute()]),
    once: () =>
      Buffer.concat([
        serialize.parse({ text }),
        serialize.bind({ values: [...values] }),
        serialize.execute(),
      ]),
  };
  encoded.set(binding, made);
  return made;
}

/**
 * The prelude as extended-protocol messages without a Sync: if one of them fails, the server skips everything up
 * to the Sync of the statement behind it.
 *
 * @returns the bytes, and the binding statement that they prepare, for the caller to note once it succeeded
 */
export function encodePrelude(
  { begin, binding }: Prelude,
  prepared: PreparedBindings,
): { readonly chunks: readonly Buffer[]; readonly preparing: string | undefined } {
  const chunks =
    begin === undefined ? [] : [serialize.parse({ text: begin }), serialize.bind(), serialize.execute()];
  if (!binding) return { chunks, preparing: undefined };
  const { statement, prepare, use, once } = encodedBinding(binding);
  if (!prepared) return { chunks: [...chunks, once()], preparing: undefined };
  const preparing = prepared.has(statement) ? undefined : statement;
  if (preparing !== undefined) chunks.push(prepare());
  chunks.push(use);
  return { chunks, preparing };
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
