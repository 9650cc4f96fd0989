import { STATUS_CODES } from 'node:http';
import {
  Catch,
  HttpException,
  HttpStatus,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { isTenancyError, type TenancyErrorKind } from '../errors/tenancy.error.js';

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
    return { ...plainBody(STATUS[exception.kind]), message: exception.publicMessage, code: exception.code };
  }
  if (exception instanceof HttpException) return fromHttpException(exception);
  return plainBody(isCallersFault(exception) ? exception.statusCode : HttpStatus.INTERNAL_SERVER_ERROR);
}

function fromHttpException(exception: HttpException): ErrorBody {
  const plain = plainBody(exception.getStatus());
  const said: unknown = exception.getResponse();
  if (typeof said === 'string') return { ...plain, message: said };
  // An error or a list given as body was not meant for readers outside.
  if (typeof said !== 'object' || said === null || said instanceof Error || Array.isArray(said)) return plain;
  const { error, message, code } = said as Readonly<Record<string, unknown>>;
  return {
    ...said,
    statusCode: plain.statusCode,
    error: typeof error === 'string' ? error : plain.error,
    message: typeof message === 'string' || isTexts(message) ? message : exception.message,
    code: typeof code === 'string' ? code : plain.code,
  };
}

function plainBody(statusCode: number): ErrorBody {
  const error = STATUS_CODES[statusCode] ?? 'Error';
  return { statusCode, error, message: error, code: HttpStatus[statusCode] ?? `HTTP_${statusCode}` };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/**
 * Bad JSON, a body too large: Fastify's own errors and those of `http-errors` (Express) say so with a 4xx.
 * Other errors may carry the status of somebody else's answer, such as a 403 of an object store.
 */
function isCallersFault(exception: unknown): exception is Error & { statusCode: number } {
  if (!(exception instanceof Error)) return false;
  const { statusCode, expose, code } = exception as {
    statusCode?: unknown;
    expose?: unknown;
    code?: unknown;
  };
  const fromFramework = expose === true || (typeof code === 'string' && code.startsWith('FST_'));
  return fromFramework && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}
