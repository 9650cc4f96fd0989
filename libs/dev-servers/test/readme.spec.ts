import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox } from './support/sandbox.ts';

it('the first example of the README runs', async () => {
  const sandbox = new Sandbox();
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const example = /```ts\n([^]*?)```/.exec(readme)![1]!;
  const script = sandbox.path('example.mjs');
  writeFileSync(script, example.replace('@tenantry/dev-servers', `${sandbox.sources}/src/index.js`));
  const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: sandbox.dir, encoding: 'utf8' });

  expect(stderr).toBe('');
  expect(stdout).toMatch(/PostgreSQL 18\.4 on port \d+\n$/);
  expect(existsSync(sandbox.path('.data/postgres/PG_VERSION'))).toBe(true);
  await sandbox.close();
});
