// Builds what is not up to date and runs an entry of the build: node scripts/run-built.mjs <entry> [arguments]
//
// The entry runs in this very process, so that signals, the exit code and the terminal are its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PARENT_CHECK_MS = 200;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [entry, ...rest] = process.argv.slice(2);
if (!entry) fail('Usage: node scripts/run-built.mjs <entry> [arguments]');

const file = resolve(root, entry);
await build(existsSync(file));
endWithNpm();
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(file).href);

/** The compiler finds out by itself what is up to date; then this takes a fifth of a second. */
async function build(isBuilt) {
  const compiler = findCompiler();
  if (!compiler) {
    if (isBuilt) return; // installed without development dependencies
    fail(`${entry} is not built, and TypeScript is not installed. Run: npm ci`);
  }
  if (!isBuilt) console.log('Building…');
  const child = spawn(process.execPath, [compiler, '-b', join(root, 'tsconfig.build.json'), '--pretty'], {
    stdio: 'inherit',
  });
  // Ctrl-C reaches the whole group; a signal meant for us alone must be passed on.
  const passOn = (signal) => child.kill(signal);
  process.on('SIGINT', passOn).on('SIGTERM', passOn);
  const [code, signal] = await once(child, 'exit');
  process.off('SIGINT', passOn).off('SIGTERM', passOn);
  if (signal) process.kill(process.pid, signal);
  if (code !== 0) fail('The build failed; nothing was started.');
}

/**
 * npm runs scripts in a shell and passes a SIGTERM on to that shell, which ends and leaves this process to nobody.
 * Having lost the parent is therefore taken for the signal itself.
 */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS);
  watch.unref();
}

function findCompiler() {
  try {
    const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
    return join(dirname(typescript), 'bin/tsc');
  } catch {
    return undefined;
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
