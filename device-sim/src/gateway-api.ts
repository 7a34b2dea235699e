import { ERRORS, FieldgateError, type ErrorCode } from '@fieldgate/contracts';
import { z } from 'zod';
import { inParallel } from './in-parallel.js';

export interface ApiOptions {
  readonly url: string;
  readonly adminKey: string;
  /** How long a gateway that is away, or not ready, is waited for. */
  readonly patienceMs: number;
  readonly pause: (ms: number) => Promise<unknown>;
}

/** The most that the API takes in one call. */
const MOST_DEVICES = 1_000;
const PAGE = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const RETRY_MS = 500;

const registeredSchema = z.array(
  z.object({
    id: z.string(),
    secret: z.string().optional(),
    error: z.object({ code: z.string() }).optional(),
  }),
);
const secretSchema = z.object({ secret: z.string() });
const problemSchema = z.object({
  code: z.string(),
  detail: z.string().optional(),
  title: z.string().optional(),
});
const seriesSchema = z.object({
  series: z.array(z.object({ metric: z.string(), points: z.array(z.tuple([z.number(), z.unknown()])) })),
});

/** The operator API as any stranger sees it: over HTTP, with a key. */
export class GatewayApi {
  constructor(private readonly options: ApiOptions) {}

  /** Registers devices; those that exist already get a new secret. The secrets by device id. */
  async registerDevices(ids: readonly string[], type: string): Promise<Map<string, string>> {
    const secrets = new Map<string, string>();
    for (let from = 0; from < ids.length; from += MOST_DEVICES) {
      const some = ids.slice(from, from + MOST_DEVICES);
      for (const [id, secret] of await this.registerSome(some, type)) secrets.set(id, secret);
    }
    const existing = ids.filter((id) => !secrets.has(id));
    await inParallel(existing, 16, async (id) => {
      secrets.set(id, await this.newSecret(id));
    });
    return secrets;
  }

  /** The stored values of one metric, page by page; each point once. `fromMs` inclusive, `toMs` exclusive. */
  async *values(deviceId: string, metric: string, fromMs: number, toMs: number): AsyncGenerator<unknown> {
    let from = fromMs;
    for (;;) {
      const points = await this.page(deviceId, metric, from, toMs);
      const lastMs = points.at(-1)?.[0];
      if (lastMs === undefined || points.length < PAGE) {
        for (const [, value] of points) yield value;
        return;
      }
      // the page may end in the middle of a millisecond: that one comes again, whole, with the next page
      if (lastMs === points[0]?.[0])
        throw new FieldgateError(
          'invalid-request',
          `${deviceId} has more than ${PAGE} points in one millisecond`,
        );
      for (const [ms, value] of points) if (ms < lastMs) yield value;
      from = lastMs;
    }
  }

  private async registerSome(ids: readonly string[], type: string): Promise<[string, string][]> {
    const body = ids.map((id) => ({ id, type, labels: { fleet: 'simulated' } }));
    try {
      const answer = registeredSchema.parse(await this.call('POST', '/v1/devices', body));
      return answer.flatMap(({ id, secret }): [string, string][] =>
        secret === undefined ? [] : [[id, secret]],
      );
    } catch (error) {
      if (error instanceof FieldgateError && error.code === 'device-exists') return []; // all of them
      throw error;
    }
  }

  private async newSecret(id: string): Promise<string> {
    const answer = await this.call('POST', `/v1/devices/${encodeURIComponent(id)}/secret`, {});
    return secretSchema.parse(answer).secret;
  }

  private async page(
    deviceId: string,
    metric: string,
    fromMs: number,
    toMs: number,
  ): Promise<[number, unknown][]> {
    const query = new URLSearchParams({
      metric,
      from: String(fromMs),
      to: String(toMs),
      limit: String(PAGE),
    });
    const answer = await this.call(
      'GET',
      `/v1/devices/${encodeURIComponent(deviceId)}/telemetry?${query.toString()}`,
    );
    return seriesSchema.parse(answer).series.find((series) => series.metric === metric)?.points ?? [];
  }

  /** Asks again while the gateway is away or says that a retry makes sense, as long as patience lasts. */
  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const tries = Math.ceil(this.options.patienceMs / RETRY_MS);
    for (let left = tries; ; left--) {
      try {
        return await this.request(method, path, body);
      } catch (error) {
        const mayRetry = error instanceof FieldgateError && error.retriable;
        if (!mayRetry || left <= 0) throw error;
        await this.options.pause(RETRY_MS);
      }
    }
  }

  private async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const { url, adminKey } = this.options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (cause) {
      throw new FieldgateError('gateway-unreachable', `no answer from ${url}`, { cause });
    }
    if (!response.ok) throw problemOf(response.status, text, `${method} ${path}`);
    return parseJson(text);
  }
}

function problemOf(status: number, text: string, call: string): FieldgateError {
  const problem = problemSchema.safeParse(parseJson(text));
  const fallback: ErrorCode = status >= 500 ? 'gateway-unreachable' : 'invalid-request';
  if (!problem.success) return new FieldgateError(fallback, `${call} was answered with ${status}`);
  const { code, detail, title } = problem.data;
  return new FieldgateError(isErrorCode(code) ? code : fallback, `${call}: ${detail ?? title ?? code}`);
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
