import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { Logger, type INestApplication, type LogLevel } from '@nestjs/common';
import type { PostgresExit, PostgresServer } from '@tenantry/dev-servers';
import { TenantManager, TenantRegistry } from '@tenantry/core';
import { DataSource } from 'typeorm';
import { createApplication } from '../application.js';
import type { PlatformConfig } from '../config/platform-config.js';
import { startEmbeddedDatabase } from '../database/embedded-database.js';
import { prepareExternalDatabase } from '../database/external-database.js';
import { DemoSeed } from '../seed/demo-seed.js';
import type { DatabaseOptions } from '../tenancy/platform-tenancy.module.js';
import { closeGracefully } from './close-gracefully.js';
import { ensureCanListen, listenError } from './port.js';

export interface StartOptions {
  /** Told, line by line, what takes its time. */
  readonly log: (line: string) => void;
  /** Of the application. Default: refusals and worse. */
  readonly logLevels?: LogLevel[];
  /** Gives up at the next occasion, after undoing what was done. */
  readonly signal?: AbortSignal;
}

export interface RunningPlatform {
  readonly app: INestApplication;
  readonly url: string;
  /** The embedded demo's server; undefined on a database of somebody else. */
  readonly embedded: PostgresServer | undefined;
  /** Settles when the embedded server ends by itself; never otherwise. */
  readonly databaseLost: Promise<PostgresExit>;
  /**
   * Stops listening, lets requests in progress finish, closes connections, stops the embedded server.
   *
   * @param hurry cuts requests off that are still in progress then
   */
  close(hurry?: AbortSignal): Promise<void>;
}

interface Backing {
  readonly database: DatabaseOptions;
  readonly secret: string;
  readonly embedded: PostgresServer | undefined;
}

/**
 * From nothing to a platform that answers: database, migrations, tenants left half made by an earlier run, demo data.
 *
 * @throws {StartError | EmbeddedPostgresError | TenancyError} whose message is for the user; nothing is left running
 */
export async function startPlatform(config: PlatformConfig, options: StartOptions): Promise<RunningPlatform> {
  const { host, port, adapter, jwt } = config;
  await ensureCanListen(host, port);
  const { logLevels } = options;
  const { database, secret, embedded } = await startBacking(config, options);
  let app: INestApplication | undefined;
  try {
    options.signal?.throwIfAborted();
    app = await createApplication({
      adapter,
      jwt: { ...jwt, secret },
      database,
      ...(logLevels && { logLevels }),
    });
    await app.init();
    await recoverTenants(app.get(TenantManager));
    options.signal?.throwIfAborted();
    if (embedded) await seedDemo(app, options.log);
    options.signal?.throwIfAborted();
    await listen(app, host, port);
  } catch (error) {
    await app?.close().catch(() => {});
    await embedded?.stop();
    throw error;
  }
  return running(app, host, embedded);
}

async function startBacking(config: PlatformConfig, { log }: StartOptions): Promise<Backing> {
  const { database, jwt } = config;
  if (database) {
    // Checked with the rest of the configuration.
    const secret = jwt.secret!;
    return { database: await prepareExternalDatabase(database, secret), secret, embedded: undefined };
  }
  const { server, secrets, ...started } = await startEmbeddedDatabase(resolve(config.home), log);
  return { ...started, secret: jwt.secret ?? secrets.jwtSecret, embedded: server };
}

/** Tenants that cannot be finished stay closed to everyone; they are no reason to keep the others waiting. */
async function recoverTenants(tenants: TenantManager): Promise<void> {
  await tenants.recover().catch((error: unknown) => {
    new Logger('Start').error('A tenant that an earlier run left half made could not be finished.', error);
  });
}

async function seedDemo(app: INestApplication, log: StartOptions['log']): Promise<void> {
  const seed = new DemoSeed(app.get(DataSource), app.get(TenantManager), app.get(TenantRegistry));
  if (await seed.run()) log('Made the demo tenants, users and campaigns.');
}

async function listen(app: INestApplication, host: string, port: number): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    throw listenError(error, host, port);
  }
}

function running(app: INestApplication, host: string, embedded: PostgresServer | undefined): RunningPlatform {
  let closing: Promise<void> | undefined;
  const address = (app.getHttpServer() as Server).address() as AddressInfo;
  const lost = async (): Promise<PostgresExit> => {
    const exit = await embedded?.exited;
    return exit && !closing ? exit : new Promise(() => {});
  };
  return {
    app,
    url: `http://${hostInUrl(host)}:${address.port}`,
    embedded,
    databaseLost: lost(),
    close: (hurry) => (closing ??= closeAll(app, embedded, hurry)),
  };
}

async function closeAll(
  app: INestApplication,
  embedded: PostgresServer | undefined,
  hurry: AbortSignal | undefined,
): Promise<void> {
  try {
    await closeGracefully(app, hurry);
  } finally {
    await embedded?.stop();
  }
}

/** Where a browser on this machine finds a server that listens on `host`. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
