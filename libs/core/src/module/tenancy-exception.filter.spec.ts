import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  NotFoundException,
  type ArgumentsHost,
} from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { TenancyExceptionFilter, toErrorBody } from './tenancy-exception.filter.js';
import {
  isTenancyError,
  TenancyError,
  type TenancyErrorInit,
  type TenancyErrorKind,
} from '../errors/tenancy.error.js';

class SampleError extends TenancyError {
  constructor(init: Partial<TenancyErrorInit> = {}) {
    super({ code: 'SAMPLE', kind: 'conflict', message: 'row 7 of table x', ...init });
  }
}

const INTERNAL = {
  statusCode: 500,
  error: 'Internal Server Error',
  message: 'Internal Server Error',
  code: 'INTERNAL_SERVER_ERROR',
};

describe('toErrorBody', () => {
  it.each([
    ['invalid', 400, 'Bad Request'],
    ['unauthenticated', 401, 'Unauthorized'],
    ['forbidden', 403, 'Forbidden'],
    ['not-found', 404, 'Not Found'],
    ['conflict', 409, 'Conflict'],
    ['limited', 429, 'Too Many Requests'],
    ['unavailable', 503, 'Service Unavailable'],
    ['internal', 500, 'Internal Server Error'],
  ] satisfies [TenancyErrorKind, number, string][])(
    'an error of kind %s is a %i',
    (kind, statusCode, error) => {
      const body = toErrorBody(new SampleError({ kind }));
      expect(body).toEqual({ statusCode, error, message: expect.any(String), code: 'SAMPLE' });
      expect(body.message).not.toContain('row 7');
    },
  );

  it('shows the public message, never the one for logs nor the cause', () => {
    const error = new SampleError({ publicMessage: 'Taken.', cause: new Error('password') });
    expect(toErrorBody(error)).toEqual({
      statusCode: 409,
      error: 'Conflict',
      message: 'Taken.',
      code: 'SAMPLE',
    });
  });

  it('knows an error of another copy of the package', () => {
    const foreign = Object.assign(new Error('inside'), {
      code: 'X',
      kind: 'limited',
      publicMessage: 'Later.',
    });
    expect(toErrorBody(foreign)).toMatchObject({ statusCode: 429, message: 'Later.', code: 'X' });
  });

  it.each([
    { code: 'X', kind: 'strange', publicMessage: 'x' },
    { code: 'X', kind: 'constructor', publicMessage: 'x' },
    { code: 7, kind: 'limited', publicMessage: 'x' },
    { code: 'X', kind: 'limited', publicMessage: { secret: 1 } },
  ])('does not take an error with %j for one of ours', (fields) => {
    const error = Object.assign(new Error('inside'), fields);
    expect(isTenancyError(error)).toBe(false);
    expect(toErrorBody(error)).toEqual(INTERNAL);
  });

  it.each([
    [new NotFoundException('No such page'), 404, 'Not Found', 'No such page', 'NOT_FOUND'],
    [new NotFoundException(), 404, 'Not Found', 'Not Found', 'NOT_FOUND'],
    [new BadRequestException(['a', 'b']), 400, 'Bad Request', ['a', 'b'], 'BAD_REQUEST'],
    [new HttpException('Odd', 418), 418, "I'm a Teapot", 'Odd', 'I_AM_A_TEAPOT'],
    [new HttpException('Odd', 431), 431, 'Request Header Fields Too Large', 'Odd', 'HTTP_431'],
    [new HttpException('Odd', 599), 599, 'Error', 'Odd', 'HTTP_599'],
    [new ForbiddenException({ message: 'No', code: 'MY_CODE' }), 403, 'Forbidden', 'No', 'MY_CODE'],
    [new ForbiddenException({ reason: 'x' }), 403, 'Forbidden', 'Forbidden Exception', 'FORBIDDEN'],
    [
      new HttpException({ message: 7, error: {}, code: 11_000 }, 400),
      400,
      'Bad Request',
      'Http Exception',
      'BAD_REQUEST',
    ],
  ])(
    'an HTTP exception says what it says, in the one shape (%#)',
    (exception, statusCode, error, message, code) => {
      expect(toErrorBody(exception)).toMatchObject({ statusCode, error, message, code });
    },
  );

  it('keeps details of an HTTP exception, but not another status', () => {
    const exception = new BadRequestException({ message: 'No', errors: [{ path: 'a' }], statusCode: 200 });
    expect(toErrorBody(exception)).toMatchObject({ statusCode: 400, errors: [{ path: 'a' }] });
  });

  it('shows nothing of an error or a list that was given as a body', () => {
    const upstream = Object.assign(new Error('inside'), { config: { token: 'secret' } });
    for (const said of [upstream, [upstream]]) {
      expect(toErrorBody(new HttpException(said as object, 502))).toEqual({
        statusCode: 502,
        error: 'Bad Gateway',
        message: 'Bad Gateway',
        code: 'BAD_GATEWAY',
      });
    }
  });

  it.each([
    ['Express', { statusCode: 413, status: 413, expose: true }],
    ['Fastify', { statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE' }],
  ])('what %s calls the fault of the caller is a 4xx', (_, fields) => {
    expect(toErrorBody(Object.assign(new Error('inside'), fields))).toEqual({
      statusCode: 413,
      error: 'Payload Too Large',
      message: 'Payload Too Large',
      code: 'PAYLOAD_TOO_LARGE',
    });
  });

  it.each([
    ["the status of somebody else's answer", Object.assign(new Error('AccessDenied'), { statusCode: 403 })],
    ['a 5xx of the framework', Object.assign(new Error('x'), { statusCode: 503, code: 'FST_ERR_X' })],
    ['a status below 400', Object.assign(new Error('x'), { statusCode: 200, expose: true })],
    ['a configuration error', new TenancyConfigurationError('the secret is x')],
    ['a text', 'thrown'],
    ['nothing', undefined],
    ['null', null],
    ['an object', { statusCode: 404, message: 'inside' }],
  ])('%s is a 500 that tells nothing', (_, exception) => {
    expect(toErrorBody(exception)).toMatchObject({ statusCode: 500, error: 'Internal Server Error' });
    expect(JSON.stringify(toErrorBody(exception))).not.toMatch(/inside|AccessDenied|secret/);
  });
});

function setUp({ type = 'http', headersSent = false } = {}) {
  const httpAdapter = { isHeadersSent: () => headersSent, end: jest.fn(), reply: jest.fn() };
  const filter = new TenancyExceptionFilter({ httpAdapter } as unknown as HttpAdapterHost);
  const host = { getType: () => type, switchToHttp: () => ({ getResponse: () => 'response' }) };
  const answer = filter.catch.bind(filter);
  return { httpAdapter, answer: (exception: unknown) => answer(exception, host as unknown as ArgumentsHost) };
}

describe('TenancyExceptionFilter', () => {
  it('answers with the body and its status', () => {
    const { answer, httpAdapter } = setUp();
    answer(new SampleError());
    expect(httpAdapter.reply).toHaveBeenCalledWith('response', toErrorBody(new SampleError()), 409);
  });

  it('only ends a response that is under way', () => {
    const { answer, httpAdapter } = setUp({ headersSent: true });
    answer(new NotFoundException());
    expect(httpAdapter.end).toHaveBeenCalledWith('response');
    expect(httpAdapter.reply).not.toHaveBeenCalled();
  });

  it('leaves other transports to Nest', () => {
    const error = new InternalServerErrorException();
    const { answer } = setUp({ type: 'ws' });
    expect(() => answer(error)).toThrow(error);
  });
});
