import fc from 'fast-check';
import { createBinding } from './binding.js';
import { commandCount, simpleText } from './prelude.js';

const BEGIN = 'START TRANSACTION';
const acme = createBinding('acme', 'acme_role', []);

describe('simpleText', () => {
  it('is nothing when there is nothing to bind', () => {
    expect(simpleText({ begin: undefined, binding: undefined })).toBe('');
  });

  it('puts BEGIN first, then path, role and the proof that the schema exists', () => {
    expect(simpleText({ begin: BEGIN, binding: acme })).toBe(
      `START TRANSACTION; SELECT set_config('search_path', '"acme", pg_temp', true), ` +
        `set_config('role', 'acme_role', true), '"acme"'::regnamespace; `,
    );
  });

  it('leaves the role alone without one', () => {
    expect(simpleText({ begin: undefined, binding: { ...acme, role: undefined } })).not.toContain(`'role'`);
  });

  it('lets no value out of its quotes', () => {
    // Names with quotes are refused long before; this is the second wall.
    const hostile = fc.string({
      unit: fc.constantFrom("'", '"', '\\', ';', '$1', '$2', '$3', '-', '/', '*', 'x'),
    });
    fc.assert(
      fc.property(hostile, hostile, hostile, (schema, searchPath, role) => {
        const text = simpleText({ begin: undefined, binding: { ...acme, schema, searchPath, role } });
        const { literals, rest } = splitLiterals(text);
        expect(rest).toBe('SELECT set_config(?, ?, true), set_config(?, ?, true), ?::regnamespace; ');
        expect(literals).toEqual(['search_path', searchPath, 'role', role, `"${schema}"`]);
      }),
    );
  });
});

describe('commandCount', () => {
  it.each([
    [undefined, undefined, 0],
    [BEGIN, undefined, 1],
    [undefined, acme, 1],
    [BEGIN, acme, 2],
  ])('counts what the server completes before the statement itself', (begin, binding, count) => {
    expect(commandCount({ begin, binding })).toBe(count);
  });
});

/** Reads literals as PostgreSQL does, `'…'` and `E'…'`, by hand and not by the code under test. */
function splitLiterals(sql: string): { literals: string[]; rest: string } {
  const literals: string[] = [];
  let rest = '';
  for (let at = 0; at < sql.length;) {
    const escapes = sql.startsWith("E'", at);
    if (!escapes && sql[at] !== "'") {
      rest += sql[at++];
      continue;
    }
    at += escapes ? 2 : 1;
    let value = '';
    while (sql[at] !== "'" || sql[at + 1] === "'") {
      if (at >= sql.length) throw new Error(`a literal does not end: ${sql}`);
      if (sql[at] === "'" || (escapes && sql[at] === '\\')) at++;
      value += sql[at++];
    }
    at++;
    literals.push(value);
    rest += '?';
  }
  // An E literal is set off by a blank.
  return { literals, rest: rest.replaceAll(/ +\?/g, ' ?').replaceAll('( ?', '(?') };
}
