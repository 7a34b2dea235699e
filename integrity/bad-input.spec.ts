import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';
import { metric } from './support/metrics.js';
import { until } from './support/operator.js';
import { RawDevice } from './support/raw-device.js';
import { Stranger, type Connect, type Reaction } from './support/stranger.js';

const ERRORS = 'fieldgate_gateway_connection_errors_total';

const SECRET = 'bad-input-secret-0123456789';
const WITNESS = 'witness';
const YEAR_MS = 365 * 86_400_000;

const atEnd = atEndOfEachTest();
let deployment: Deployment;
let witness: RawDevice;
let witnessed = 0;

beforeAll(async () => {
  deployment = await Deployment.embedded();
  await deployment.operator.register([{ id: WITNESS, secret: SECRET }]);
  witness = new RawDevice(WITNESS, SECRET, 5);
  await witness.connect(deployment.mqttPort);
}, 60_000);
afterAll(async () => {
  witness?.close();
  await deployment?.stop();
}, 60_000);

/** The process goes on: a device that was connected all the time is served as before. */
afterEach(async () => {
  witness.publish(witnessed++, { ts: Date.now(), seq: witnessed, readings: { witnessed } });
  await witness.allAcknowledged();
});

const NOTHING_WRONG: Reaction = { packet: 'PUBACK', reason: 0 };

const REFUSED: readonly (readonly [title: string, payload: string | Buffer, code: string])[] = [
  ['no bytes at all', '', 'payload-not-json'],
  ['words', 'hello', 'payload-not-json'],
  ['half an object', '{"temperature":2', 'payload-not-json'],
  ['NaN', '{"temperature":NaN}', 'payload-not-json'],
  ['1e400', '{"temperature":1e400}', 'value-not-finite'],
  ['a bare number', '21.5', 'payload-shape'],
  ['null', 'null', 'payload-shape'],
  ['a text', '"21.5"', 'payload-shape'],
  ['an empty array', '[]', 'payload-shape'],
  ['an empty object', '{}', 'payload-shape'],
  ['an envelope without readings', '{"ts":1795210200123,"readings":{}}', 'payload-shape'],
  ['a reading that is null', '{"temperature":null}', 'value-type'],
  ['a reading that is a list', '{"temperature":[21.5]}', 'value-type'],
  ['a time in words', '{"ts":"yesterday","temperature":21.5}', 'payload-shape'],
  ['a sequence number below zero', '{"seq":-1,"temperature":21.5}', 'payload-shape'],
  ['a blank in a name', '{"water temperature":21.5}', 'metric-name'],
  ['__proto__', '{"__proto__":{"polluted":1}}', 'metric-name'],
  ['__proto__ within readings', '{"readings":{"__proto__":1}}', 'metric-name'],
  ['constructor.__proto__', '{"constructor":{"__proto__":{"polluted":1}}}', 'metric-name'],
  ['257 metrics', JSON.stringify(Object.fromEntries(numbered(257))), 'metric-count'],
  ['a text of 1,025 bytes', `{"text":"${'x'.repeat(1_025)}"}`, 'text-too-long'],
  ['an array of 1,001', JSON.stringify(Array.from({ length: 1_001 }, () => ({ a: 1 }))), 'array-too-long'],
  ['objects 10,000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 'payload-too-deep'],
  ['arrays 10,000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'payload-shape'],
  ['invalid UTF-8', Buffer.from('{"text":"\xff\xfe"}', 'latin1'), 'payload-not-utf8'],
];

describe.each([
  ['MQTT 5', 5],
  ['MQTT 3.1.1', 4],
] as const)('a device that speaks %s', (_name, version) => {
  /** MQTT 5 tells the reason; 3.1.1 has no word for it. */
  const refusedWith = (reason: number): Reaction => ({
    packet: 'PUBACK',
    reason: version === 5 ? reason : 0,
  });

  it.each(REFUSED)(
    'and sends %s gets its acknowledgement, and the bytes are a dead letter',
    async (_title, payload, code) => {
      const { id, device } = await connected();
      const bytes = Buffer.from(payload);
      const before = await refusals(code);
      expect(await device.publish(`devices/${id}/telemetry`, bytes)).toEqual(refusedWith(0x99)); // a resend would be refused again
      const letters = await deployment.operator.deadLettersUntil(id, 1);
      expect(letters).toMatchObject([
        { code, origin: { topic: `devices/${id}/telemetry` }, payloadBytes: bytes.length },
      ]);
      expect(await refusals(code)).toBe(before + 1);
    },
  );

  it('and sends an array with one bad element loses only that one', async () => {
    const { id, device } = await connected();
    const payload = Buffer.from('[{"n":1},{"n":null},{"n":3}]');
    expect(await device.publish(`devices/${id}/telemetry`, payload)).toEqual(refusedWith(0x99));
    expect(await storedUntil(id, 2)).toEqual([1, 3]);
    expect(await deployment.operator.deadLettersUntil(id, 1)).toMatchObject([
      { code: 'value-type', origin: { elements: [1] } },
    ]);
  });

  it('and publishes where the gateway has no use for it finds a dead letter', async () => {
    const { id, device } = await connected();
    expect(await device.publish(`devices/${id}/nonsense`, Buffer.from('{}'))).toEqual(refusedWith(0x90));
    expect(await deployment.operator.deadLettersUntil(id, 1)).toMatchObject([{ code: 'topic-unknown' }]);
  });

  it.each([
    ['1970', () => 0],
    ['2200', () => Date.now() + 174 * YEAR_MS],
  ])('and believes that it is %s is stored under the time of arrival', async (_year, ts) => {
    const { id, device } = await connected();
    const payload = Buffer.from(JSON.stringify({ ts: ts(), seq: 1, readings: { n: 7 } }));
    expect(await device.publish(`devices/${id}/telemetry`, payload)).toEqual(NOTHING_WRONG);
    expect(await storedUntil(id, 1)).toEqual([7]); // asks for the last minute only
    expect(await deployment.operator.deadLetters(id)).toEqual([]);
  });

  it('and sets RETAIN is taken at its word but for that', async () => {
    const { id, device } = await connected();
    const payload = Buffer.from('{"n":5}');
    expect(await device.publish(`devices/${id}/telemetry`, payload, { retain: true })).toEqual(NOTHING_WRONG);
    expect(await storedUntil(id, 1)).toEqual([5]);
    expect(await device.subscribe(`devices/${id}/telemetry`)).toEqual({ packet: 'SUBACK', reason: 1 });
    expect(await device.publish(`devices/${id}/telemetry`, payload)).toEqual(NOTHING_WRONG); // and no retained PUBLISH before it
  });

  it('and sends a string of 1 MB is disconnected', async () => {
    const { id, device } = await connected();
    const before = await metric(deployment.httpOf('gateway'), ERRORS);
    const payload = Buffer.from(`{"text":"${'x'.repeat(1_000_000)}"}`);
    const reaction = await device.publish(`devices/${id}/telemetry`, payload);
    if (version === 5) {
      expect(reaction).toEqual({ packet: 'DISCONNECT', reason: 0x95 }); // packet too large
      expect(await device.next()).toEqual({ packet: 'closed' });
    } else expect(reaction).toEqual({ packet: 'closed' });
    const errors = (): Promise<number> => metric(deployment.httpOf('gateway'), ERRORS);
    expect(await until(errors, (count) => count > before, 5_000)).toBe(before + 1); // counted when the gateway's end is closed too
  });

  it('and publishes on a topic of another is refused', async () => {
    const { device } = await connected();
    const before = await refusals('topic-forbidden');
    const reaction = await device.publish(`devices/${WITNESS}/telemetry`, Buffer.from('{"n":1}'));
    expect(reaction).toEqual(version === 5 ? { packet: 'PUBACK', reason: 0x87 } : { packet: 'closed' }); // not authorized
    expect(await refusals('topic-forbidden')).toBe(before + 1);
  });

  it.each([`devices/${WITNESS}/commands/#`, 'devices/+/commands/#', '#', '$SYS/#'])(
    'and subscribes to %s is refused',
    async (filter) => {
      const { device } = await connected();
      expect(await device.subscribe(filter)).toEqual({
        packet: 'SUBACK',
        reason: version === 5 ? 0x87 : 0x80,
      });
    },
  );

  const badUserNameOrPassword = { packet: 'CONNACK', reason: version === 5 ? 0x86 : 4 } as const;
  const notAuthorized = { packet: 'CONNACK', reason: version === 5 ? 0x87 : 5 } as const;
  it.each<[string, (id: string) => Partial<Connect>, string, Reaction]>([
    [
      'is not registered',
      (id) => ({ clientId: `no-${id}`, username: `no-${id}` }),
      'device-unknown',
      badUserNameOrPassword,
    ],
    [
      'has a wrong secret',
      () => ({ password: 'not the secret' }),
      'device-secret-wrong',
      badUserNameOrPassword,
    ],
    [
      'has the client id of another',
      () => ({ clientId: WITNESS }),
      'client-id-mismatch',
      badUserNameOrPassword,
    ],
    [
      'has a will elsewhere',
      () => ({ will: { topic: `devices/${WITNESS}/telemetry`, payload: '{"n":1}' } }),
      'will-elsewhere',
      notAuthorized,
    ],
  ])('and %s is not let in', async (_title, wrong, outcome, reaction) => {
    const id = await registered();
    const sample = `fieldgate_gateway_connects_total{outcome="${outcome}"}`;
    const before = await metric(deployment.httpOf('gateway'), sample);
    const device = await stranger();
    expect(await device.connect({ clientId: id, username: id, password: SECRET, ...wrong(id) })).toEqual(
      reaction,
    );
    expect(await device.next()).toEqual({ packet: 'closed' });
    expect(await metric(deployment.httpOf('gateway'), sample)).toBe(before + 1);
  });

  it('and leaves its client id empty is known by its user name', async () => {
    const id = await registered();
    const device = await stranger();
    expect(await device.connect({ clientId: '', username: id, password: SECRET })).toEqual({
      packet: 'CONNACK',
      reason: 0,
    });
    if (version === 5) expect(device.connacks[0]?.toString('latin1')).toContain(id); // Assigned Client Identifier
    expect(await device.publish(`devices/${id}/telemetry`, Buffer.from('{"n":1}'))).toEqual(NOTHING_WRONG);
    expect(await storedUntil(id, 1)).toEqual([1]);
  });

  async function registered(): Promise<string> {
    const id = `bad-${randomBytes(4).toString('hex')}`;
    await deployment.operator.register([{ id, secret: SECRET }]);
    return id;
  }

  async function stranger(): Promise<Stranger> {
    const device = await Stranger.open(deployment.mqttPort, version);
    atEnd(() => device.close());
    return device;
  }

  async function connected(): Promise<{ readonly id: string; readonly device: Stranger }> {
    const id = await registered();
    const device = await stranger();
    const reaction = await device.connect({ clientId: id, username: id, password: SECRET });
    expect(reaction).toEqual({ packet: 'CONNACK', reason: 0 });
    return { id, device };
  }
});

it.each([
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a PUBLISH before CONNECT', '\x30\x05\x00\x01a{}'],
  ['a remaining length without an end', '\x10\xff\xff\xff\xff\xff\xff\xff\xff'],
])('%s on the MQTT port ends that connection', async (_title, bytes) => {
  const stranger = await Stranger.open(deployment.mqttPort, 4);
  atEnd(() => stranger.close());
  expect(await stranger.send(Buffer.from(bytes, 'latin1'))).toEqual({ packet: 'closed' });
});

function refusals(code: string): Promise<number> {
  return metric(deployment.httpOf('gateway'), `fieldgate_gateway_refused_total{code="${code}"}`);
}

function storedUntil(id: string, count: number): Promise<readonly number[]> {
  const lastMinute = (): Promise<number[]> =>
    deployment.operator.values(id, 'n', Date.now() - 60_000, Date.now() + 60_000);
  return until(lastMinute, ({ length }) => length >= count, 10_000);
}

function numbered(count: number): readonly (readonly [string, number])[] {
  return Array.from({ length: count }, (_, index) => [`m${index}`, index] as const);
}
