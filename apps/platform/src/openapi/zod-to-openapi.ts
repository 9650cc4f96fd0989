import type { StandardSchemaConverter } from '@nestjs/swagger';
import { z } from 'zod';

/** Schemas with a `meta({ id })` become named components; dates are what JSON makes of them. */
export const zodToOpenApi: StandardSchemaConverter = (schema, { schemaType }) => {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { definitions = {}, ...converted } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: schemaType,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'date')
        Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    },
  });
  return { schema: converted, components: definitions as Record<string, unknown> };
};
