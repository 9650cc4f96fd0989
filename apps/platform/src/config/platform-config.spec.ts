import { ConfigurationError } from './configuration.error.js';
import { readPlatformConfig } from './platform-config.js';

const SECRET = 'x'.repeat(32);
const URL = 'postgres://app:secret@db.test/shop';

describe('the configuration', () => {
  it('needs nothing: the default is the embedded demo', () => {
    expect(readPlatformConfig({})).toEqual({
      host: '127.0.0.1',
      port: 3000,
      adapter: 'express',
      home: '.tenantry',
      jwt: { secret: undefined, issuer: 'tenantry-platform', audience: 'tenantry-platform-api' },
      database: undefined,
    });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readPlatformConfig({ PORT: '', DATABASE_URL: ' ' })).toEqual(readPlatformConfig({}));
  });

  it('takes what it is given', () => {
    const config = readPlatformConfig({
      HOST: '0.0.0.0',
      PORT: '8080',
      TENANTRY_ADAPTER: 'fastify',
      TENANTRY_HOME: '/data',
      JWT_SECRET: SECRET,
      JWT_ISSUER: 'me',
      JWT_AUDIENCE: 'you',
      DATABASE_URL: URL,
      DATABASE_ADMIN_URL: 'postgresql://admin:secret@db.test:5433/shop',
    });
    expect(config).toEqual({
      host: '0.0.0.0',
      port: 8080,
      adapter: 'fastify',
      home: '/data',
      jwt: { secret: SECRET, issuer: 'me', audience: 'you' },
      database: { url: URL, adminUrl: 'postgresql://admin:secret@db.test:5433/shop' },
    });
  });

  it.each([
    [{ PORT: '65536' }, /^PORT must be a whole number from 0 to 65535/],
    [{ PORT: '0x10' }, /^PORT must be a whole number/],
    [{ PORT: '-1' }, /^PORT must be a whole number/],
    [{ HOST: 'http://a' }, /^HOST must be a host name or an IP address/],
    [{ TENANTRY_ADAPTER: 'koa' }, /^TENANTRY_ADAPTER must be express or fastify/],
    [{ JWT_SECRET: 'short' }, /^JWT_SECRET must have at least 32 bytes; make one with: openssl/],
    [{ DATABASE_URL: URL }, /^JWT_SECRET must be set when DATABASE_URL is/],
    [{ DATABASE_ADMIN_URL: URL }, /^DATABASE_ADMIN_URL needs DATABASE_URL beside it/],
    [
      { DATABASE_URL: 'mysql://a:b@c/d', JWT_SECRET: SECRET },
      /^DATABASE_URL must be a PostgreSQL connection string/,
    ],
    [{ DATABASE_URL: 'postgres://a:b@c', JWT_SECRET: SECRET }, /^DATABASE_URL must be .* with a database/],
    [
      { DATABASE_URL: URL, DATABASE_ADMIN_URL: 'postgres://a:b@db.test/other', JWT_SECRET: SECRET },
      /^DATABASE_ADMIN_URL names the database 'other', but DATABASE_URL names 'shop'/,
    ],
    [
      { DATABASE_URL: URL, DATABASE_ADMIN_URL: URL, JWT_SECRET: SECRET },
      /^DATABASE_ADMIN_URL has the same user as DATABASE_URL/,
    ],
  ])('refuses %j in one line that names the variable and never a secret', (environment, line) => {
    const refused = (): unknown => readPlatformConfig(environment);
    expect(refused).toThrow(ConfigurationError);
    expect(refused).toThrow(line);
    expect(refused).not.toThrow(/\n|secret@|short/);
  });

  it('tells of everything that is wrong at once, a line each', () => {
    const environment = { PORT: 'x', TENANTRY_ADAPTER: 'x', JWT_SECRET: 'x' };
    expect(() => readPlatformConfig(environment)).toThrow(/^PORT .*\nTENANTRY_ADAPTER .*\nJWT_SECRET .*$/);
  });
});
