import { appended } from '@fieldgate/commit-log';
import { encodeDeadLetter, type ErrorCode, type LogTopic } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest } from '../testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('POST /v1/dead-letters/{id}/redrive', () => {
  async function letterOf(
    topic: string,
    payload: string | Buffer,
    more: { elements?: number[]; code?: ErrorCode; contentType?: string } = {},
  ): Promise<string> {
    const { code = 'payload-shape', ...origin } = more;
    const value = encodeDeadLetter({
      deviceId: 'pump-1',
      id: 'x',
      code,
      detail: 'a limit that was too narrow then',
      origin: { kind: 'mqtt', topic, qos: 1, ...origin },
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      atMs: api.clock.ms,
      gatewayId: 'gw-1',
    });
    const at = await appended(api.log.writer, { topic: 'fieldgate.dead-letters.v1', key: 'pump-1', value });
    return `${at.partition}-${at.offset}`;
  }

  async function records(topic: LogTopic): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    for (const { partition, earliest, end } of await api.log.reader.bounds(topic)) {
      for await (const { value } of api.log.reader.read(topic, { partition, from: earliest, to: end }))
        found.push(JSON.parse(Buffer.from(value ?? 'null').toString()) as Record<string, unknown>); // written here
    }
    return found;
  }

  it('makes the record that it would have been, with the times of then', async () => {
    const arrived = api.clock.ms;
    const ts = arrived - 60_000;
    const id = await letterOf('devices/pump-1/telemetry', `{"ts":${ts},"seq":7,"readings":{"a":1}}`);
    api.clock.ms += 3_600_000;
    const dry = await api.call(`POST /v1/dead-letters/${id}/redrive`, { dryRun: true });
    expect(dry.body).toEqual({ id, outcome: 'would-be-redriven', topic: 'fieldgate.telemetry.v1' });
    expect(await records('fieldgate.telemetry.v1')).toEqual([]);
    const { body } = await api.call(`POST /v1/dead-letters/${id}/redrive`);
    expect(body).toEqual({ id, outcome: 'redriven', topic: 'fieldgate.telemetry.v1' });
    expect(await records('fieldgate.telemetry.v1')).toMatchObject([
      {
        subject: 'pump-1',
        id: `${ts}-7`,
        time: new Date(ts).toISOString(),
        receivedtime: new Date(arrived).toISOString(),
        gateway: 'gw-1',
        data: { readings: { a: 1 }, seq: 7 },
      },
    ]);
  });

  it('has the same id however often it is driven', async () => {
    const id = await letterOf('devices/pump-1/events/door-open', '{"state":"raised","severity":"warning"}');
    await api.call(`POST /v1/dead-letters/${id}/redrive`);
    await api.call(`POST /v1/dead-letters/${id}/redrive`);
    const ids = (await records('fieldgate.events.v1')).map((record) => record['id']);
    expect(ids).toEqual([`redriven-${id}`, `redriven-${id}`]);
  });

  it('takes the elements of an array that were refused, and no others', async () => {
    const ts = api.clock.ms - 60_000;
    const array = `[{"id":"m","readings":{"a":0}},{"id":"m","readings":{"a":1}},{"a":2},{"ts":${ts},"seq":7,"a":3}]`;
    const id = await letterOf('devices/pump-1/telemetry', array, { elements: [1, 2, 3] });
    const path = `POST /v1/dead-letters/${id}/redrive` as const;
    const done = { id, topic: 'fieldgate.telemetry.v1', records: 3 };
    expect((await api.call(path, { dryRun: true })).body).toEqual({ ...done, outcome: 'would-be-redriven' });
    expect(await records('fieldgate.telemetry.v1')).toEqual([]);
    expect((await api.call(path)).body).toEqual({ ...done, outcome: 'redriven' });
    await api.call(path);
    const once = [
      { id: 'm/1', data: { readings: { a: 1 } } },
      { id: `redriven-${id}/2`, data: { readings: { a: 2 } } },
      { id: `${ts}-7`, data: { readings: { a: 3 } } },
    ];
    expect(await records('fieldgate.telemetry.v1')).toMatchObject(once.concat(once)); // the same events
  });

  it('of one element does not say how many records it is', async () => {
    const id = await letterOf('devices/pump-1/telemetry', '[{"a":1},{"a":2}]', { elements: [1] });
    const { body } = await api.call(`POST /v1/dead-letters/${id}/redrive`);
    expect(body).toEqual({ id, outcome: 'redriven', topic: 'fieldgate.telemetry.v1' });
    expect(await records('fieldgate.telemetry.v1')).toMatchObject([
      { id: `redriven-${id}/1`, data: { readings: { a: 2 } } },
    ]);
  });

  it.each([
    [
      [0, 1],
      '"n n" is not a metric name: a letter or _, then up to 63 letters, digits or _ . : - (element 1)',
    ],
    [
      [0, 1, 2, 3],
      '"n n" is not a metric name: a letter or _, then up to 63 letters, digits or _ . : - (element 1 and 1 more)',
    ],
    [[0, 4], 'the array has no such element (element 4)'],
  ])('writes none of the elements %j when one is still refused', async (elements, detail) => {
    const array = '[{"n":0},{"n n":1},{"n":2},{"n":null}]';
    const id = await letterOf('devices/pump-1/telemetry', array, { elements });
    const { body } = await api.call(`POST /v1/dead-letters/${id}/redrive`);
    expect(body).toMatchObject({ id, outcome: 'refused', detail });
    expect(await records('fieldgate.telemetry.v1')).toEqual([]);
  });

  const CBOR = Buffer.from('a1616101', 'hex');
  it.each<[string, string | Buffer, string | undefined]>([
    ['telemetry', CBOR, 'application/cbor'],
    ['telemetry/cbor', CBOR, undefined],
    ['telemetry/senml', '[{"n":"a","v":1}]', undefined],
    ['telemetry', '[{"n":"a","v":1}]', 'application/senml+json'],
    ['telemetry/senml-cbor', Buffer.from('81a20061610201', 'hex'), 'application/senml+cbor'],
    ['telemetry', '{"a":1}', 'application/json'],
  ])('of %s judges %s by the format that it came in', async (rest, payload, contentType) => {
    const more = contentType === undefined ? {} : { contentType };
    const id = await letterOf(`devices/pump-1/${rest}`, payload, more);
    const { body } = await api.call(`POST /v1/dead-letters/${id}/redrive`);
    expect(body).toEqual({ id, outcome: 'redriven', topic: 'fieldgate.telemetry.v1' });
    expect(await records('fieldgate.telemetry.v1')).toMatchObject([{ data: { readings: { a: 1 } } }]);
  });

  it('counts times of SenML that are relative from when it came', async () => {
    const arrived = api.clock.ms;
    const pack = '[{"n":"a","v":1,"t":-60},{"n":"b","v":2}]';
    const id = await letterOf('devices/pump-1/telemetry/senml', pack, { elements: [0] });
    api.clock.ms += 3_600_000;
    await api.call(`POST /v1/dead-letters/${id}/redrive`);
    expect(await records('fieldgate.telemetry.v1')).toMatchObject([
      { time: new Date(arrived - 60_000).toISOString(), data: { readings: { a: 1 } } },
    ]);
  });

  it.each<[string, string, string, string, { contentType?: string }?]>([
    ['devices/pump-1/telemetry', '{"a":1}', 'refused', 'content-type', { contentType: 'text/plain' }],
    ['devices/pump-1/telemetry/cbor', '{"a":1}', 'refused', 'payload-not-cbor'],
    ['devices/pump-1/telemetry', '{"a":', 'refused', 'payload-not-json'],
    ['devices/pump-1/nonsense', '{}', 'refused', 'topic-unknown'],
    ['devices/pump-1/events/connected', '{"state":"info"}', 'refused', 'topic-unknown'],
    ['devices/pump-1/responses/c-1/200', '{}', 'not-redrivable', 'not-redrivable'],
    ['devices/pump-1/telemetry', '[{"a":1}]', 'not-redrivable', 'not-redrivable'],
    ['devices/pump-1/telemetry', `{"a":"${'x'.repeat(600_000)}"}`, 'not-redrivable', 'not-redrivable'],
  ])('of %s says why not, and writes nothing', async (topic, payload, outcome, code, more = {}) => {
    const id = await letterOf(topic, payload, more);
    const { status, body } = await api.call(`POST /v1/dead-letters/${id}/redrive`);
    expect({ status, body }).toMatchObject({ status: 200, body: { id, outcome, code } });
    expect(await records('fieldgate.telemetry.v1')).toEqual([]);
    expect(await records('fieldgate.events.v1')).toEqual([]);
  });

  it('puts a record that a processor refused back; told over no connection when it is in no store; a row of a table never', async () => {
    const over = (connection?: string): string =>
      `{"specversion":"1.0","type":"fieldgate.telemetry.v1","source":"/devices/pump-1","subject":"pump-1","id":"1","time":"2026-11-20T21:00:00.000Z","receivedtime":"2026-11-20T21:00:00.000Z",${connection === undefined ? '' : `"connection":"${connection}",`}"datacontenttype":"application/json","data":{"readings":{"a":"\\"connection\\":\\"1\\","}}}`;
    const outcomes: unknown[] = [];
    for (const [topic, group] of [
      ['fieldgate.telemetry.v1', 'fieldgate.storage'],
      ['fieldgate.telemetry.v1', 'fieldgate.alerts'],
      ['fieldgate.devices.v1', 'fieldgate.storage'],
    ] as const) {
      const value = encodeDeadLetter({
        deviceId: 'pump-1',
        id: topic,
        code: 'store-refused',
        detail: 'a field of another type',
        origin: { kind: 'log', topic, partition: 0, offset: 5, group },
        payload: Buffer.from(over('c-1')),
        atMs: api.clock.ms,
      });
      const at = await appended(api.log.writer, { topic: 'fieldgate.dead-letters.v1', key: 'pump-1', value });
      const { body } = await api.call(`POST /v1/dead-letters/${at.partition}-${at.offset}/redrive`);
      outcomes.push((body as { outcome: unknown }).outcome); // the shape is what is tested
    }
    expect(outcomes).toEqual(['redriven', 'redriven', 'not-redrivable']);
    expect(await records('fieldgate.telemetry.v1')).toEqual([JSON.parse(over()), JSON.parse(over('c-1'))]);
  });

  it('drives those that a filter finds, the oldest first, and says what became of each', async () => {
    const first = await letterOf('devices/pump-1/telemetry', '{"n":1}');
    const bad = await letterOf('devices/pump-1/telemetry', '{"n":');
    const second = await letterOf('devices/pump-1/telemetry', '{"n":2}');
    await letterOf('devices/pump-1/telemetry', '{"n":3}', { code: 'metric-name' });
    const { status, body } = await api.call('POST /v1/dead-letters/redrive', {
      device: 'pump-1',
      code: 'payload-shape',
      origin: 'mqtt',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      deadLetters: [
        { id: first, outcome: 'redriven', topic: 'fieldgate.telemetry.v1' },
        expect.objectContaining({ id: bad, outcome: 'refused', code: 'payload-not-json' }),
        { id: second, outcome: 'redriven', topic: 'fieldgate.telemetry.v1' },
      ],
    });
    const written = (await records('fieldgate.telemetry.v1')).map(({ data }) => data);
    expect(written).toEqual([{ readings: { n: 1 } }, { readings: { n: 2 } }]);
    const none = await api.call('POST /v1/dead-letters/redrive', { origin: 'log' });
    expect(none.body).toEqual({ deadLetters: [] });
  });

  it('answers 404 for none, and 422 for what it does not take', async () => {
    expect(await api.call('POST /v1/dead-letters/0-99/redrive')).toMatchObject({ status: 404 });
    expect(await api.call('POST /v1/dead-letters/redrive', { limit: 0 })).toMatchObject({ status: 422 });
    expect(await api.call('POST /v1/dead-letters/redrive', { dryrun: true })).toMatchObject({ status: 422 });
    expect(await api.call('GET /v1/dead-letters?from=2&to=1')).toMatchObject({ status: 422 });
  });
});
