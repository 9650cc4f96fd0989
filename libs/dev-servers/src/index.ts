export {
  EmbeddedPostgresError,
  type EmbeddedPostgresErrorCode,
  type EmbeddedPostgresErrorDetails,
} from './errors/embedded-postgres.errors.ts';
export { type PostgresExit, type PostgresServer, startPostgres } from './server/start-postgres.ts';
export type { StartPostgresOptions } from './server/start-postgres.options.ts';
