import { ADMIN_KEY } from './fieldgate-process.js';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

export interface CommandView {
  readonly id: string;
  readonly state: string;
  readonly result?: { readonly status: number; readonly body: unknown };
  readonly late?: { readonly status: number };
  readonly timeline: readonly { readonly state: string }[];
}

/** An operator with a key, on any instance of the API. */
export class Operator {
  constructor(
    private readonly url: string,
    private readonly key: string = ADMIN_KEY,
  ) {}

  async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
      headers: response.headers,
    }; // the caller names what the call answers
  }

  /** Registers devices with given secrets; those that exist already keep theirs. */
  async register(devices: readonly { id: string; secret: string }[]): Promise<void> {
    for (let from = 0; from < devices.length; from += 1000) {
      const { status, body } = await this.call<unknown>(
        'POST',
        '/v1/devices',
        devices.slice(from, from + 1000),
      );
      if (status !== 201 && status !== 409)
        throw new Error(`registering devices: ${status} ${JSON.stringify(body)}`);
    }
  }

  /** The stored values of one metric, each point once per place it is stored in. */
  async values(deviceId: string, metric: string, fromMs: number, toMs: number): Promise<number[]> {
    const values: number[] = [];
    let from = fromMs;
    for (;;) {
      const path = `/v1/devices/${deviceId}/telemetry?metric=${metric}&from=${from}&to=${toMs}&limit=10000`;
      const { status, body } = await this.call<{ series: { points: [number, number][] }[] }>('GET', path);
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
      const points = body.series[0]?.points ?? [];
      const last = points.at(-1)?.[0];
      if (last === undefined || points.length < 10_000)
        return [...values, ...points.map(([, value]) => value)];
      const whole = points.filter(([at]) => at !== last); // the page may end within a millisecond
      values.push(...whole.map(([, value]) => value));
      from = last;
    }
  }

  command(
    deviceId: string,
    name: string,
    options: { params?: unknown; waitSeconds?: number; timeoutSeconds?: number } = {},
  ): Promise<Answer<CommandView>> {
    const { params = {}, waitSeconds, timeoutSeconds } = options;
    return this.call<CommandView>(
      'POST',
      `/v1/devices/${deviceId}/commands`,
      { name, params, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) },
      waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` },
    );
  }
}

/** Asks again, without a pause that is guessed, until the answer is as wanted or the time is up. */
export async function until<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  withinMs: number,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || performance.now() > end) return answer;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
