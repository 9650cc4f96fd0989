import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedTables } from './published.js';

const PAGE = join(__dirname, '../../../../docs/security.md');
const BEGIN =
  '<!-- escape table: written by `TENANTRY_WRITE_DOCS=1 npx jest libs/typeorm/test/escape/published` -->';
const END = '<!-- end of escape table -->';

/** Lines with their padding taken out, which is the formatter's business. */
function linesOf(markdown: string): readonly string[] {
  return markdown
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').replace(/-{3,}/g, '---').trim())
    .filter(Boolean);
}

/** Tables need an empty line in front of them. */
function markdownOf(lines: readonly string[]): string {
  return lines.map((line, i) => (lines[i + 1]?.startsWith('| ---') ? `\n${line}` : line)).join('\n');
}

it('publishes in docs/security.md exactly what the escape tests assert', () => {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN) as [string, string];
  const [published, after] = rest.split(END) as [string, string];
  if (process.env['TENANTRY_WRITE_DOCS'])
    writeFileSync(PAGE, `${before}${BEGIN}\n\n${markdownOf(publishedTables())}\n\n${END}${after}`);
  expect(process.env['TENANTRY_WRITE_DOCS'] ? publishedTables() : linesOf(published)).toEqual(
    publishedTables(),
  );
});
