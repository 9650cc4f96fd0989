export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly tookMs: number;
}

interface Call {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Talks to the platform as any client would. */
export class ApiClient {
  constructor(private readonly url: string) {}

  async call<T = unknown>(path: string, { token, headers, body, ...rest }: Call = {}): Promise<Answer<T>> {
    const startedAtMs = performance.now();
    const response = await fetch(this.url + path, {
      method: rest.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
      tookMs: performance.now() - startedAtMs,
    };
  }

  async signIn(email: string, password: string, tenantId?: string): Promise<string> {
    const { body } = await this.call<{ accessToken: string }>('/auth/token', {
      body: { email, password, ...(tenantId !== undefined && { tenantId }) },
    });
    return body.accessToken;
  }
}
