import { ERRORS, FieldgateError, type ErrorCode } from '@fieldgate/contracts';
import { z } from 'zod';

const REQUEST_TIMEOUT_MS = 90_000;

const problemSchema = z.object({
  code: z.string(),
  detail: z.string().optional(),
  title: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** The operator API as any stranger sees it: over HTTP, with a key. Everything throws FieldgateError. */
export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly adminKey: string,
    private readonly timeoutMs = REQUEST_TIMEOUT_MS,
  ) {}

  async get<S extends z.ZodType>(path: string, answer: S, query: Query = {}): Promise<z.output<S>> {
    return this.read(answer, 'GET', path + searchOf(query), undefined);
  }

  async post<S extends z.ZodType>(
    path: string,
    answer: S,
    body: unknown = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<z.output<S>> {
    return this.read(answer, 'POST', path, body, headers);
  }

  /** JSON Merge Patch. */
  async patch<S extends z.ZodType>(path: string, answer: S, body: unknown): Promise<z.output<S>> {
    return this.read(answer, 'PATCH', path, body);
  }

  async delete(path: string): Promise<void> {
    await this.answer('DELETE', path, undefined, {});
  }

  /** An open answer, for whoever reads it to its end: Server-Sent Events. */
  async open(
    path: string,
    query: Query,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.request('GET', path + searchOf(query), undefined, headers, signal);
    if (!body) throw new FieldgateError('gateway-unreachable', `${path} was answered without a body`);
    return body;
  }

  private async read<S extends z.ZodType>(
    answer: S,
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<z.output<S>> {
    const parsed = answer.safeParse(parseJson(await this.answer(method, path, body, headers)));
    if (parsed.success) return parsed.data;
    throw new FieldgateError(
      'gateway-unreachable',
      `${this.url} answered ${method} ${path} with something else than Fieldgate does: ${z.prettifyError(parsed.error)}`,
    );
  }

  /** The whole text of it. */
  private async answer(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<string> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    try {
      const response = await this.request(method, path, body, headers, signal);
      return await response.text();
    } catch (cause) {
      if (cause instanceof FieldgateError) throw cause;
      const says = signal.aborted
        ? `no answer from ${this.url} within ${this.timeoutMs / 1000} s`
        : `the answer of ${this.url} broke off`;
      throw new FieldgateError('gateway-unreachable', says, { cause });
    }
  }

  private async request(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.url), {
        method,
        signal,
        headers: {
          authorization: `Bearer ${this.adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw new FieldgateError('gateway-unreachable', `no answer from ${this.url}`, { cause });
    }
    if (!response.ok) throw problemOf(response.status, await response.text(), `${method} ${path}`);
    return response;
  }
}

function searchOf(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== undefined) search.append(name, String(each));
  }
  return search.size === 0 ? '' : `?${search.toString()}`;
}

function problemOf(status: number, text: string, call: string): FieldgateError {
  const problem = problemSchema.safeParse(parseJson(text));
  const fallback: ErrorCode = status >= 500 ? 'gateway-unreachable' : 'invalid-request';
  if (!problem.success) return new FieldgateError(fallback, `${call} was answered with ${status}`);
  const { code, detail, title, errors = [] } = problem.data;
  const says =
    errors.length > 1 ? errors.map(({ path, message }) => `${path}: ${message}`).join('; ') : detail;
  return new FieldgateError(
    isErrorCode(code) ? code : fallback,
    says ?? title ?? `${call} was answered with ${status}`,
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says what is wrong
  }
}
