import { BadRequestException, StandardSchemaValidationPipe } from '@nestjs/common';

type ExceptionFactory = NonNullable<
  NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory']
>;
type Issue = Parameters<ExceptionFactory>[0][number];

/** What one bad request is told at the most. */
const MAX_MESSAGES = 20;

/** Checks every parameter that names a schema: `@Body({ schema })`, `@Query({ schema })`, `@Param({ schema })`. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({ exceptionFactory: validationFailed });
}

function validationFailed(issues: readonly Issue[]): BadRequestException {
  return new BadRequestException({
    code: 'VALIDATION_FAILED',
    message: issues.slice(0, MAX_MESSAGES).map(describe),
  });
}

function describe({ path = [], message }: Issue): string {
  const field = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return field === '' ? message : `${field}: ${message}`;
}
