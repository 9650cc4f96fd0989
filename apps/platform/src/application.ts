import { ConsoleLogger, type INestApplication, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { HttpAdapterName } from './config/platform-config.js';
import { httpAdapter } from './http/http-adapter.js';
import { responseHeaders } from './http/response-headers.js';
import { serveOpenApiDocument } from './openapi/openapi-document.js';
import { PlatformModule, type PlatformOptions } from './platform.module.js';

export interface ApplicationOptions extends PlatformOptions {
  readonly adapter: HttpAdapterName;
  /** Default: refusals and worse. */
  readonly logLevels?: LogLevel[];
}

/** The whole HTTP application on a database that is set up and migrated; not listening yet. */
export async function createApplication({
  adapter,
  logLevels = ['warn', 'error', 'fatal'],
  ...options
}: ApplicationOptions): Promise<INestApplication> {
  const app = await NestFactory.create(PlatformModule.forRoot(options), httpAdapter(adapter), {
    abortOnError: false,
    logger: new ConsoleLogger({ logLevels, colors: process.stdout.isTTY }),
  });
  app.use(responseHeaders);
  serveOpenApiDocument(app);
  return app;
}
