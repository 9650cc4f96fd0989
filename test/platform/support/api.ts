export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Whatever the platform sent: each test says what it expects of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

interface Call {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a text is sent as it is. */
  readonly body?: unknown;
}

/** A client of one platform. */
export class Api {
  constructor(readonly url: string) {}

  async call(path: string, { method, token, headers, body }: Call = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  /** @throws when the credentials bring no token */
  async token(email: string, tenantId?: string): Promise<string> {
    const { body } = await this.call('/auth/token', { body: { email, password: PASSWORD, tenantId } });
    if (typeof body.accessToken !== 'string')
      throw new Error(`No token for ${email}: ${JSON.stringify(body)}`);
    return body.accessToken;
  }
}

/** Of every user in these tests. */
export const PASSWORD = 'correct horse';

/** Asserts the one shape that all errors have. */
export function expectError({ status, headers, body }: Answer, statusCode: number, code: string): void {
  expect({ status, body }).toEqual({
    status: statusCode,
    body: expect.objectContaining({
      statusCode,
      code,
      error: expect.stringMatching(/^[A-Z]/),
      message: expect.anything(),
    }),
  });
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(Object.keys(body)).not.toContain('stack');
}
