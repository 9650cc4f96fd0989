import { applyDecorators, HttpStatus } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { errorBody } from '../http/schemas.js';

const DESCRIPTIONS = {
  400: 'The request is not valid.',
  401: 'No token, one that proves nothing, or one without the tenant that is needed.',
  403: 'The caller may not, or the tenant is not active.',
  404: 'There is no such thing, for this caller.',
  409: 'The request conflicts with the current state.',
  503: 'Not ready.',
} as const;

/** Documents error responses, which all have one shape. */
export function ApiErrors(...statuses: (keyof typeof DESCRIPTIONS)[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ...statuses.map((status) =>
      ApiResponse({
        status: status satisfies HttpStatus,
        description: DESCRIPTIONS[status],
        standardSchema: errorBody,
      }),
    ),
  );
}
