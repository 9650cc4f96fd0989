import {
  Catch,
  HttpException,
  HttpStatus,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { isTenancyError, type TenancyErrorKind } from './tenancy.error.js';

const STATUS: Readonly<Record<TenancyErrorKind, HttpStatus>> = {
  invalid: HttpStatus.BAD_REQUEST,
  unauthenticated: HttpStatus.UNAUTHORIZED,
  forbidden: HttpStatus.FORBIDDEN,
  'not-found': HttpStatus.NOT_FOUND,
  conflict: HttpStatus.CONFLICT,
  limited: HttpStatus.TOO_MANY_REQUESTS,
  unavailable: HttpStatus.SERVICE_UNAVAILABLE,
  internal: HttpStatus.INTERNAL_SERVER_ERROR,
};

/** Body of every error response: Nest's shape plus a stable code. */
export interface ErrorBody {
  readonly statusCode: number;
  /** Reason phrase of the status. */
  readonly error: string;
  readonly message: string | readonly string[];
  /** Stable, upper snake case. */
  readonly code: string;
}

/**
 * The one place where errors become HTTP responses. Errors of the suite keep their code and show their
 * public message; HTTP exceptions keep what they say; anything else is logged and tells nothing.
 */
@Catch()
export class TenancyExceptionFilter implements ExceptionFilter {
  readonly #logger = new Logger(TenancyExceptionFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    // Other transports have their own way of telling errors; there Nest's default applies.
    if (host.getType<string>() !== 'http') throw exception;
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const body = toErrorBody(exception);
    if (body.statusCode >= 500) this.#logger.error(exception);
    if (httpAdapter.isHeadersSent(response)) return httpAdapter.end(response);
    httpAdapter.reply(response, body, body.statusCode);
  }
}

export function toErrorBody(exception: unknown): ErrorBody {
  if (isTenancyError(exception)) {
    const statusCode = STATUS[exception.kind];
    return { statusCode, error: reason(statusCode), message: exception.publicMessage, code: exception.code };
  }
  if (exception instanceof HttpException) return fromHttpException(exception);
  if (isClientError(exception)) {
    const statusCode = exception.statusCode;
    return {
      statusCode,
      error: reason(statusCode),
      message: reason(statusCode),
      code: HttpStatus[statusCode] ?? 'BAD_REQUEST',
    };
  }
  const statusCode = HttpStatus.INTERNAL_SERVER_ERROR;
  return {
    statusCode,
    error: reason(statusCode),
    message: reason(statusCode),
    code: 'INTERNAL_SERVER_ERROR',
  };
}

function fromHttpException(exception: HttpException): ErrorBody {
  const statusCode = exception.getStatus();
  const said = exception.getResponse();
  const details = typeof said === 'object' ? (said as Partial<ErrorBody>) : { message: said };
  return {
    ...details,
    statusCode,
    error: details.error ?? reason(statusCode),
    message: details.message ?? exception.message,
    code: details.code ?? HttpStatus[statusCode] ?? `HTTP_${statusCode}`,
  };
}

/** Body parsers of Express and Fastify mark what is the caller's fault (bad JSON, too large) with a 4xx. */
function isClientError(exception: unknown): exception is Error & { statusCode: number } {
  const status = exception instanceof Error && 'statusCode' in exception ? exception.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500;
}

/** `NOT_FOUND` becomes `Not Found`. */
function reason(status: number): string {
  const name = HttpStatus[status] ?? 'ERROR';
  return name
    .toLowerCase()
    .replaceAll(/(?:^|_)([a-z])/g, (match, letter: string) =>
      match.replace(/_?[a-z]/, ` ${letter.toUpperCase()}`),
    )
    .trim();
}
