import { ADMIN_KEY } from './fieldgate-process.js';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

export interface CommandView {
  readonly id: string;
  readonly state: string;
  readonly result?: { readonly status: number; readonly body?: unknown };
  readonly late?: { readonly status: number; readonly body?: unknown };
  readonly timeline: readonly { readonly state: string }[];
  /** Of a problem, when there is no command. */
  readonly code?: string;
}

export interface CommandOptions {
  readonly params?: unknown;
  readonly waitSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly idempotencyKey?: string;
}

export interface DeadLetterView {
  readonly id: string;
  readonly code: string;
  readonly detail: string;
  readonly origin: { readonly topic: string; readonly elements?: readonly number[] };
  readonly payloadBytes: number;
}

/** So that who waits does not take the processor from who is waited for. */
const ASK_AGAIN_MS = 25;

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

  /** The same where the API may not have caught up with the log yet. */
  async registerWhenReady(devices: readonly { id: string; secret: string }[]): Promise<void> {
    const read = (): Promise<Answer<unknown>> => this.call('GET', '/v1/devices?limit=1');
    await until(read, ({ status }) => status === 200, 20_000);
    await this.register(devices);
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

  command(deviceId: string, name: string, options: CommandOptions = {}): Promise<Answer<CommandView>> {
    const { params = {}, waitSeconds, timeoutSeconds, idempotencyKey } = options;
    return this.call<CommandView>(
      'POST',
      `/v1/devices/${deviceId}/commands`,
      { name, params, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) },
      {
        ...(waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
    );
  }

  /** The command as soon as it is as wanted, or as it is after ten seconds. */
  async commandUntil(id: string, wanted: (command: CommandView) => boolean): Promise<CommandView> {
    const read = (): Promise<Answer<CommandView>> => this.call<CommandView>('GET', `/v1/commands/${id}`);
    return (await until(read, ({ status, body }) => status === 200 && wanted(body), 10_000)).body;
  }

  /** Waits until commands can be sent to the device. */
  commandReady(deviceId: string): Promise<void> {
    return this.presenceUntil(deviceId, 'commandReady');
  }

  connected(deviceId: string): Promise<void> {
    return this.presenceUntil(deviceId, 'connected');
  }

  private async presenceUntil(deviceId: string, fact: 'connected' | 'commandReady'): Promise<void> {
    const { body } = await until(
      () => this.call<{ presence?: Record<typeof fact, boolean> }>('GET', `/v1/devices/${deviceId}`),
      (answer) => answer.body.presence?.[fact] === true,
      20_000,
    );
    if (body.presence?.[fact] !== true)
      throw new Error(`${deviceId} is not ${fact}: ${JSON.stringify(body)}`);
  }

  /** The newest first; as soon as there are so many, or those that are there after ten seconds. */
  deadLettersUntil(deviceId: string, count: number): Promise<readonly DeadLetterView[]> {
    return until(
      () => this.deadLetters(deviceId),
      ({ length }) => length >= count,
      10_000,
    );
  }

  async deadLetters(deviceId: string): Promise<readonly DeadLetterView[]> {
    const path = `/v1/dead-letters?device=${deviceId}`;
    return (await this.call<{ deadLetters: DeadLetterView[] }>('GET', path)).body.deadLetters;
  }
}

/** Asks again and again until the answer is as wanted, or the time is up: then it is the last answer. */
export async function until<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  withinMs: number,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || performance.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}
