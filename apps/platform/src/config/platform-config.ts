import { z } from 'zod';
import { databaseOf, loginOf } from '../database/connection-url.js';
import { ConfigurationError } from './configuration.error.js';

export type HttpAdapterName = 'express' | 'fastify';

/** Everything the platform is told from outside. Read once; the rest of the code never sees the environment. */
export interface PlatformConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly adapter: HttpAdapterName;
  /** Directory of the embedded demo: its database and its secrets. */
  readonly home: string;
  readonly jwt: {
    /** Undefined only in the embedded demo, which makes its own. */
    readonly secret: string | undefined;
    readonly issuer: string;
    readonly audience: string;
  };
  /** Undefined: the embedded demo. */
  readonly database: { readonly url: string; readonly adminUrl: string | undefined } | undefined;
}

/** As many bytes as the hash of HS256. @see RFC 7518, 3.2 */
const MIN_SECRET_BYTES = 32;

const postgresUrl = variable(
  isPostgresUrl,
  'must be a PostgreSQL connection string with a database, such as postgres://user:password@host:5432/tenantry',
);

const ENVIRONMENT = z.object({
  HOST: variable((text) => !/[\s/]/.test(text), 'must be a host name or an IP address').default('127.0.0.1'),
  PORT: variable(isPort, 'must be a whole number from 0 to 65535 (0 takes a free one)')
    .transform(Number)
    .default(3000),
  TENANTRY_ADAPTER: z
    .enum(['express', 'fastify'], { error: 'must be express or fastify' })
    .default('express'),
  TENANTRY_HOME: variable(() => true, 'must be a directory').default('.tenantry'),
  JWT_SECRET: variable(
    (text) => Buffer.byteLength(text) >= MIN_SECRET_BYTES,
    `must have at least ${MIN_SECRET_BYTES} bytes; make one with: openssl rand -base64 48`,
  ).optional(),
  JWT_ISSUER: variable(() => true, 'must be a text').default('tenantry-platform'),
  JWT_AUDIENCE: variable(() => true, 'must be a text').default('tenantry-platform-api'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_ADMIN_URL: postgresUrl.optional(),
});

/**
 * @param environment such as `process.env`; an empty variable counts as one that is not set
 * @throws {ConfigurationError} with one line for each variable that is wrong, never quoting a secret
 */
export function readPlatformConfig(
  environment: Readonly<Record<string, string | undefined>>,
): PlatformConfig {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
  const { success, data, error } = ENVIRONMENT.safeParse(present);
  if (!success) {
    throw new ConfigurationError(error.issues.map(({ path, message }) => `${path.join('.')} ${message}.`));
  }
  refuseContradictions(data);
  return Object.freeze({
    host: data.HOST,
    port: data.PORT,
    adapter: data.TENANTRY_ADAPTER,
    home: data.TENANTRY_HOME,
    jwt: { secret: data.JWT_SECRET, issuer: data.JWT_ISSUER, audience: data.JWT_AUDIENCE },
    database: data.DATABASE_URL ? { url: data.DATABASE_URL, adminUrl: data.DATABASE_ADMIN_URL } : undefined,
  });
}

function refuseContradictions(given: z.infer<typeof ENVIRONMENT>): void {
  const { DATABASE_URL: url, DATABASE_ADMIN_URL: adminUrl, JWT_SECRET: secret } = given;
  const complaints = [
    adminUrl &&
      !url &&
      'DATABASE_ADMIN_URL needs DATABASE_URL beside it, the connection of the running application.',
    url &&
      !secret &&
      'JWT_SECRET must be set when DATABASE_URL is: the same text for all instances; make one with: openssl rand -base64 48',
    url &&
      adminUrl &&
      databaseOf(url) !== databaseOf(adminUrl) &&
      `DATABASE_ADMIN_URL names the database '${databaseOf(adminUrl)}', but DATABASE_URL names '${databaseOf(url)}'.`,
    url &&
      adminUrl &&
      loginOf(url) === loginOf(adminUrl) &&
      'DATABASE_ADMIN_URL has the same user as DATABASE_URL. Leave it out: a runtime login is made beside that user.',
  ].filter((complaint) => typeof complaint === 'string');
  if (complaints.length > 0) throw new ConfigurationError(complaints);
}

function variable(isValid: (text: string) => boolean, wanted: string): z.ZodString {
  return z.string().refine(isValid, { error: wanted });
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, hostname, pathname } = new URL(text);
  return /^postgres(?:ql)?:$/.test(protocol) && username !== '' && hostname !== '' && pathname.length > 1;
}
