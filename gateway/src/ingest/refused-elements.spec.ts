import type { LogWriter, NewRecord } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { FieldgateError, type ErrorCode } from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Packet } from 'mqtt-packet';
import { refusedTotal } from '../gateway.metrics.js';
import { atEndOfTest, gatewayWith, SECRET } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf, register } from '../testing/test-gateway.js';

const TOPIC = 'devices/pump-7/telemetry';
const REFUSED = 0x99;
const UNAVAILABLE = 0x89;

let log: MemoryLog;
beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
  await register(log, 'pump-7', SECRET);
});

/** A device whose gateway cannot write what `fails` names. */
async function deviceWith(
  fails: (record: NewRecord) => ErrorCode | undefined = () => undefined,
): Promise<PacketClient> {
  const append: LogWriter['append'] = (record, settle) => {
    const code = fails(record);
    if (code === undefined) return log.writer.append(record, settle);
    const { key, value } = record;
    const elsewhere = { topic: 'fieldgate.alerts.v1', key, value } as const; // so that it is settled in its turn
    return log.writer.append(elsewhere, () => settle(new FieldgateError(code), undefined, record));
  };
  const writer: LogWriter = { append, drained: (listener) => log.writer.drained(listener) };
  const gateway = await gatewayWith({ ...log, writer, ingest: writer });
  const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
  atEndOfTest(async () => client.destroy());
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  return client;
}

function publish(client: PacketClient, payload: string, topic = TOPIC): Promise<Packet> {
  client.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false });
  return client.next();
}

async function letters(): Promise<{ bytes: number; data: Record<string, unknown> }[]> {
  const records = await recordsOf(log, 'fieldgate.dead-letters.v1');
  return records.map(({ record, json }) => ({
    bytes: record.value?.byteLength ?? 0,
    data: json['data'] as Record<string, unknown>, // written by the gateway
  }));
}

async function readings(): Promise<unknown[]> {
  const records = await recordsOf(log, 'fieldgate.telemetry.v1');
  return records.map(({ json }) => (json['data'] as { readings: unknown }).readings);
}

async function refusals(code: ErrorCode): Promise<number> {
  const { values } = await refusedTotal.get();
  return values.find(({ labels }) => labels.code === code)?.value ?? 0;
}

describe('an array with elements that are refused', () => {
  it('is one dead letter for each code, with the elements and the bytes of the message', async () => {
    const device = await deviceWith();
    const payload = '[{"n":0},{"n":null},{"n n":2},7,{"n":4},{"m":null},{"n":[]}]';
    const before = await refusals('value-type');
    expect(await publish(device, payload)).toMatchObject({
      cmd: 'puback',
      reasonCode: REFUSED,
      properties: {
        reasonString:
          '5 of 7 elements are refused, the others stored: "n" is neither a number, a boolean nor a text (element 1 and 2 more).',
      },
    });
    expect(await readings()).toEqual([{ n: 0 }, { n: 4 }]);
    const kept = (await letters()).map(({ data }) => data);
    const at = { kind: 'mqtt', topic: TOPIC, qos: 1 };
    const bytes = Buffer.from(payload).toString('base64');
    expect(kept).toEqual([
      {
        code: 'value-type',
        detail: '"n" is neither a number, a boolean nor a text (element 1 and 2 more)',
        origin: { ...at, elements: [1, 5, 6] },
        payload: bytes,
      },
      {
        code: 'metric-name',
        detail:
          '"n n" is not a metric name: a letter or _, then up to 63 letters, digits or _ . : - (element 2)',
        origin: { ...at, elements: [2] },
        payload: bytes,
      },
      {
        code: 'payload-shape',
        detail: 'expected a JSON object with readings (element 3)',
        origin: { ...at, elements: [3] },
        payload: bytes,
      },
    ]);
    expect((await refusals('value-type')) - before).toBe(3); // elements, not letters
  });

  const filler = `"${'x'.repeat(100)}"`;
  it.each<[string, number, (n: number) => string]>([
    ['one code', 1, () => filler],
    ['one code, in few bytes', 1, () => '0'],
    ['four codes', 4, (n) => [filler, '{"n":null}', '{"n n":1}', '{"n":1e999}'][n % 4] ?? ''],
  ])('of %s, all of 1,000, is hardly more than its bytes once per code', async (_title, codes, element) => {
    const device = await deviceWith();
    const payload = `[${Array.from({ length: 1_000 }, (_, n) => element(n)).join()}]`;
    expect(await publish(device, payload)).toMatchObject({
      cmd: 'puback',
      reasonCode: REFUSED,
      properties: { reasonString: expect.stringMatching(/^All 1000 elements are refused: ./) },
    });
    const kept = await letters();
    expect(kept).toHaveLength(codes);
    const bytes = kept.reduce((sum, letter) => sum + letter.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(codes * 1.4 * payload.length + 10_240);
    expect(await readings()).toEqual([]);
  });

  it('keeps an element that the log refuses like one that the gateway refuses', async () => {
    const device = await deviceWith(({ value }) => (isOf(value, '"big"') ? 'record-refused' : undefined));
    const payload = '[{"big":1},{"n":1},{"big":2},{"n":null}]';
    expect(await publish(device, payload)).toMatchObject({ cmd: 'puback', reasonCode: REFUSED });
    expect(await readings()).toEqual([{ n: 1 }]);
    expect((await letters()).map(({ data }) => data)).toMatchObject([
      { code: 'value-type', origin: { elements: [3] } },
      { code: 'record-refused', origin: { elements: [0, 2] } },
    ]);
  });

  it('is not acknowledged while one of its elements is not in the log, and its dead letters come with the resend', async () => {
    let isAway = true;
    const device = await deviceWith(({ value }) =>
      isAway && isOf(value, '"late"') ? 'log-unavailable' : undefined,
    );
    const payload = '[{"n":null},{"late":1},{"n":[]}]';
    expect(await publish(device, payload)).toMatchObject({ cmd: 'disconnect', reasonCode: UNAVAILABLE });
    expect(await letters()).toEqual([]);
    isAway = false;
    expect(await publish(await deviceWith(), payload)).toMatchObject({ cmd: 'puback', reasonCode: REFUSED });
    expect(await readings()).toEqual([{ late: 1 }]);
    expect((await letters()).map(({ data }) => data)).toMatchObject([{ origin: { elements: [0, 2] } }]);
  });

  it.each(['value-type', 'metric-name'])(
    'is not acknowledged while its dead letter for %s is not in the log',
    async (away) => {
      const device = await deviceWith(({ topic, value }) =>
        topic === 'fieldgate.dead-letters.v1' && isOf(value, `"${away}"`) ? 'log-unavailable' : undefined,
      );
      expect(await publish(device, '[{"n":1},{"n":null},{"n n":2}]')).toMatchObject({
        cmd: 'disconnect',
        reasonCode: UNAVAILABLE,
      });
    },
  );
});

it('a SenML pack of several times goes the same way', async () => {
  const device = await deviceWith();
  const long = 'x'.repeat(1_025);
  const pack = JSON.stringify([
    { n: 'a', vs: long, t: -30 },
    { n: 'a', v: 1, t: -20 },
    { n: 'a', vs: long, t: -10 },
  ]);
  expect(await publish(device, pack, `${TOPIC}/senml`)).toMatchObject({
    cmd: 'puback',
    reasonCode: REFUSED,
  });
  expect(await readings()).toEqual([{ a: 1 }]);
  expect((await letters()).map(({ data }) => data)).toMatchObject([
    { code: 'text-too-long', origin: { topic: `${TOPIC}/senml`, elements: [0, 2] } },
  ]);
});

function isOf(value: Uint8Array | null, words: string): boolean {
  return Buffer.from(value ?? '').includes(words);
}
