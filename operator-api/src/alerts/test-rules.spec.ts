import { MAX_RULES_BYTES } from '@fieldgate/alert-rules';
import { appended } from '@fieldgate/commit-log';
import {
  alertIdOf,
  encodeEvent,
  encodeTableRow,
  encodeTelemetry,
  RULES_ROW_KEY,
  telemetryWriter,
} from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW, type Answer } from '../testing/api-under-test.js';
import { AlertStates } from './alert-states.js';

const MINUTE_MS = 60_000;
const START = NOW - 60 * MINUTE_MS;
const rulesAbove = (limit: number): string =>
  `version: 1\nrules:\n  - name: too-hot\n    metric: temperature\n    threshold: { above: ${limit} }\n`;
const SILENT = 'version: 1\nrules:\n  - name: silent\n    absence: { after: 20m }\n';
let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  api.clock.ms = START - 600 * MINUTE_MS;
  for (const id of ['pump-1', 'pump-2']) await api.call('POST /v1/devices', { id, type: 'pump' });
  api.clock.ms = NOW;
});

afterEach(() => api.stop());

async function reading(deviceId: string, minute: number, temperature: number): Promise<void> {
  const timeMs = START + minute * MINUTE_MS;
  api.clock.ms = timeMs + 40;
  const writer = telemetryWriter(deviceId, 'gw-1');
  const value = encodeTelemetry(
    writer,
    { readings: { temperature }, ts: timeMs },
    { id: `${minute}`, timeMs },
    timeMs + 40,
  );
  await appended(api.log.writer, { topic: 'fieldgate.telemetry.v1', key: deviceId, value });
  api.clock.ms = NOW;
}

async function inForce(text: string): Promise<void> {
  const [topic, key] = ['fieldgate.alert-states.v1', RULES_ROW_KEY] as const;
  const value = encodeTableRow(topic, {
    key,
    id: '1',
    atMs: NOW,
    data: { kind: 'rules', text, loadedAt: NOW },
  });
  await api.get(AlertStates).table.reached(await appended(api.log.writer, { topic, key, value }));
}

interface Tested {
  readonly readings: number;
  readonly events: number;
  readonly raised: readonly { readonly id: string }[];
  readonly onlyHere: readonly { readonly id: string }[];
  readonly onlyInForce: readonly { readonly id: string }[];
  readonly truncated?: boolean;
}

async function test(rules: string, more: object = {}): Promise<Tested> {
  const { status, body } = await api.call('POST /v1/alert-rules/test', { rules, from: START, ...more });
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as Tested; // the shape is what is tested
}

function hotAt(deviceId: string, minute: number): string {
  return alertIdOf(deviceId, 'too-hot', START + minute * MINUTE_MS);
}

const ids = (alerts: readonly { readonly id: string }[]): string[] => alerts.map(({ id }) => id);

describe('POST /v1/alert-rules/test', () => {
  it('tells what these rules would have raised, and what differs from the rules in force', async () => {
    await inForce(rulesAbove(90));
    for (const [minute, temperature] of [70, 85, 70, 95, 70].entries())
      await reading('pump-1', minute, temperature);
    await reading('pump-2', 2, 95);
    const tested = await test(rulesAbove(80));
    expect(tested).toMatchObject({ readings: 6, events: 0 });
    expect(tested).not.toHaveProperty('truncated');
    expect(ids(tested.raised)).toEqual([hotAt('pump-1', 3), hotAt('pump-2', 2), hotAt('pump-1', 1)]);
    expect(ids(tested.onlyHere)).toEqual([hotAt('pump-1', 1)]);
    expect(tested.onlyInForce).toEqual([]);
    expect(tested.raised[0]).toMatchObject({
      deviceId: 'pump-1',
      rule: 'too-hot',
      kind: 'threshold',
      severity: 'warning',
      state: 'cleared',
      value: 95,
      limit: 80,
      raisedAt: new Date(START + 3 * MINUTE_MS).toISOString(),
      clearedAt: new Date(START + 4 * MINUTE_MS).toISOString(),
    });
    const stricter = await test(rulesAbove(99));
    expect(stricter.raised).toEqual([]);
    expect(ids(stricter.onlyInForce)).toEqual([hotAt('pump-1', 3), hotAt('pump-2', 2)]);
    expect((await api.call('GET /v1/alerts')).body).toEqual({ alerts: [] });
  });

  it('compares with no rules at all when there never was a usable file', async () => {
    await inForce('');
    await reading('pump-1', 1, 85);
    const tested = await test(rulesAbove(80));
    expect(ids(tested.onlyHere)).toEqual([hotAt('pump-1', 1)]);
    expect(tested.onlyInForce).toEqual([]);
  });

  it('looks at what arrived in the range', async () => {
    for (const [minute, temperature] of [85, 70, 85, 70, 85, 70].entries())
      await reading('pump-1', minute, temperature);
    const tested = await test(rulesAbove(80), {
      from: new Date(START + MINUTE_MS).toISOString(),
      to: START + 4 * MINUTE_MS,
    });
    expect(tested.readings).toBe(3);
    expect(ids(tested.raised)).toEqual([hotAt('pump-1', 2)]);
  });

  it('raises the conditions of devices with and without rules', async () => {
    const event = { deviceId: 'pump-1', event: 'leak', state: 'raised', severity: 'critical' } as const;
    const value = encodeEvent(event, { id: 'e', timeMs: START }, START + 40);
    api.clock.ms = START + 40;
    await appended(api.log.writer, { topic: 'fieldgate.events.v1', key: 'pump-1', value });
    api.clock.ms = NOW;
    const tested = await test(rulesAbove(80));
    expect(tested).toMatchObject({ events: 1, onlyHere: [], onlyInForce: [] });
    expect(tested.raised).toMatchObject([{ rule: 'event.leak', state: 'open', severity: 'critical' }]);
  });

  it('misses who is silent in the range, also who never reports in it; not for the time before it, nor for what is still to come', async () => {
    for (let minute = 0; minute < 60; minute += 10) await reading('pump-1', minute, 1);
    const tested = await test(SILENT);
    expect(tested.raised).toMatchObject([
      { id: alertIdOf('pump-2', 'silent', START + 20 * MINUTE_MS), state: 'open' },
    ]);
    expect((await test(SILENT, { from: NOW - 15 * MINUTE_MS, to: NOW + 60 * MINUTE_MS })).raised).toEqual([]);
  });

  it('lists no more than is asked for, and says so', async () => {
    for (const [minute, temperature] of [85, 70, 85, 70].entries())
      await reading('pump-1', minute, temperature);
    const tested = await test(rulesAbove(80), { limit: 1 });
    expect(ids(tested.raised)).toEqual([hotAt('pump-1', 2)]);
    expect(tested.truncated).toBe(true);
  });

  it('refuses rules that are not usable, and says why', async () => {
    const rules = 'version: 1\nrules:\n  - name: too-hot\n';
    expect(await api.call('POST /v1/alert-rules/test', { rules })).toMatchObject({
      status: 422,
      body: { code: 'rules-invalid', detail: expect.stringContaining('rules[0]') },
    });
  });

  it.each([
    {},
    { rules: 1 },
    { rules: 'version: 1', from: 'yesterday' },
    { rules: 'version: 1', from: 2, to: 1 },
    { rules: 'version: 1', limit: 0 },
    { rules: 'version: 1', more: 1 },
    { rules: ' '.repeat(MAX_RULES_BYTES + 1) },
  ])('refuses %j', async (body) => {
    expect(await api.call('POST /v1/alert-rules/test', body)).toMatchObject({
      status: 422,
      body: { code: 'invalid-request' },
    });
  });

  it('is done one at a time, and stops when the client has gone', async () => {
    await reading('pump-1', 0, 1);
    const { reader } = api.log;
    const whole = reader.read.bind(reader);
    const isReading = new Promise<void>((resolve) => {
      reader.read = async function* (topic, range) {
        if (range.from === range.to) return; // an empty partition
        for (;;) {
          yield* whole(topic, range);
          resolve(); // whoever only looks for where to begin does not come so far
        }
      };
    });
    const leaving = new AbortController();
    const ask = (signal?: AbortSignal): Promise<Answer> =>
      api.call('POST /v1/alert-rules/test', { rules: rulesAbove(80), from: START }, {}, signal);
    const endless = ask(leaving.signal).catch(() => 'gone');
    await isReading;
    reader.read = whole;
    expect(await ask()).toMatchObject({ status: 503, body: { code: 'too-many-requests' } });
    leaving.abort();
    expect(await endless).toBe('gone');
    const after = await until(
      () => ask(),
      ({ status }) => status === 200,
    );
    expect(after.body).toMatchObject({ readings: 1 });
  });
});

async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 10_000; ;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() > deadline) return answer;
  }
}
