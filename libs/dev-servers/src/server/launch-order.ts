import type { PostgresBinaries } from '../binaries/postgres-binaries.ts';
import type { ClusterPlace } from '../placement/cluster-place.ts';
import type { ResolvedStartPostgresOptions } from './start-postgres.options.ts';

/** A whole cluster, and everything needed to run a server on it. */
export interface LaunchOrder {
  readonly place: ClusterPlace;
  readonly binaries: PostgresBinaries;
  readonly options: ResolvedStartPostgresOptions;
  readonly password: string;
  /** True when the cluster was made just now, so that it cannot be what hinders a start. */
  readonly isNewCluster: boolean;
}
