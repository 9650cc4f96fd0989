import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { zodToOpenApi } from './zod-to-openapi.js';

/** The document is made when first asked for, and served as JSON; the page around it is `DocsController`. */
export function serveOpenApiDocument(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { ui: false, raw: ['json'] });
}

function openApiDocument(app: INestApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setTitle('Tenantry sample platform')
    .setDescription(
      'Marketing for many tenants, each in a PostgreSQL schema of its own. Ask `POST /auth/token` for a token: ' +
        'it carries the tenant, so no other route names one.',
    )
    .setVersion('1')
    .addBearerAuth()
    .build();
  return SwaggerModule.createDocument(app, about, {
    standardSchemaConverter: zodToOpenApi,
    operationIdFactory: (_controller, method) => method,
  });
}
