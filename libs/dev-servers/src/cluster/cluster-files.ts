import { basename, dirname, join } from 'node:path';

/** The paths of one cluster: PostgreSQL's own directory, and beside it what we keep about it. */
export interface ClusterFiles {
  /** PostgreSQL's data directory, links resolved. */
  readonly dataDir: string;
  /** The directory that holds it and everything below. */
  readonly parent: string;
  /** Mode 0600. */
  readonly password: string;
  readonly log: string;
  /** Followed by a number; see `DirectoryLock`. */
  readonly lockPrefix: string;
  /** Followed by random characters: a cluster being made. */
  readonly unfinishedPrefix: string;
}

/** Names the files around `dataDir`, which must be an absolute path without links. */
export function clusterFiles(dataDir: string): ClusterFiles {
  const parent = dirname(dataDir);
  const beside = (suffix: string) => join(parent, `${basename(dataDir)}.${suffix}`);
  return {
    dataDir,
    parent,
    password: beside('password'),
    log: beside('log'),
    lockPrefix: beside('lock.'),
    unfinishedPrefix: beside('init-'),
  };
}
