import { describe, expect, it } from '@jest/globals';
import { cloudEventSchema } from '../cloud-event.js';
import type { TelemetryMessage } from './parse-telemetry.js';
import { decodeTelemetry, encodeTelemetry, identify, telemetryWriter } from './telemetry-record.js';

const TS = Date.parse('2026-11-20T21:30:00.123Z');
const RECEIVED = Date.parse('2026-11-20T21:30:00.161Z');
const writer = telemetryWriter('pump-7', 'gw-1');
const mint = (): string => 'minted';
const encode = (message: TelemetryMessage, receivedMs = RECEIVED): Uint8Array =>
  encodeTelemetry(writer, message, identify(message, receivedMs, mint), receivedMs);

describe('identify', () => {
  it.each([
    ['its own id first', { ts: TS, seq: 42, id: 'own' }, { id: 'own', timeMs: TS }],
    ['ts and seq', { ts: TS, seq: 42 }, { id: `${TS}-42`, timeMs: TS }],
    ['ts and seq 0', { ts: TS, seq: 0 }, { id: `${TS}-0`, timeMs: TS }],
    ['ts alone', { ts: TS }, { id: 'minted', timeMs: TS }],
    ['seq alone', { seq: 42 }, { id: 'minted', timeMs: RECEIVED }],
    ['nothing', {}, { id: 'minted', timeMs: RECEIVED }],
    ['a fraction of a millisecond', { ts: TS + 0.9, seq: 1 }, { id: `${TS}-1`, timeMs: TS }],
    ['1970', { ts: 0, seq: 42 }, { id: 'minted', timeMs: RECEIVED, claimedMs: 0 }],
    ['1970 with an id', { ts: 0, id: 'own' }, { id: 'own', timeMs: RECEIVED, claimedMs: 0 }],
    ['1e400', { ts: Infinity, seq: 1 }, { id: 'minted', timeMs: RECEIVED, claimedMs: Infinity }],
  ])('by %s', (_, message, identity) => {
    expect(identify(message, RECEIVED, mint)).toEqual(identity);
  });
});

describe('encodeTelemetry', () => {
  it('writes the CloudEvent of the architecture, to the byte', () => {
    const message = { ts: TS, seq: 42, readings: { temperature: 71.4, running: true } };
    expect(Buffer.from(encode(message)).toString()).toBe(
      '{"specversion":"1.0","type":"fieldgate.telemetry.v1","source":"/devices/pump-7","subject":"pump-7",' +
        '"id":"1795210200123-42","time":"2026-11-20T21:30:00.123Z","receivedtime":"2026-11-20T21:30:00.161Z",' +
        '"gateway":"gw-1","datacontenttype":"application/json",' +
        '"data":{"readings":{"temperature":71.4,"running":true},"seq":42}}',
    );
  });

  it.each<TelemetryMessage>([
    { readings: { a: 1 } },
    { readings: { a: 1 }, ts: 0, seq: 1 },
    { readings: { a: 1 }, ts: 1e300 },
    { readings: { a: 1 }, ts: Number.POSITIVE_INFINITY },
    { readings: { a: 'quote " backslash \\ newline \n \u2028 ü \ud800' }, id: 'it"s\\me' },
    { readings: { constructor: 1, toString: 'x' }, ts: TS - 5 },
  ])('writes a valid CloudEvents 1.0 object: %j', (message) => {
    const event = cloudEventSchema.parse(JSON.parse(Buffer.from(encode(message)).toString()));
    expect(event.source).toBe('/devices/pump-7');
    expect(event.data).toMatchObject({ readings: message.readings });
    // JSON format, section 3.1; context attributes, section 3.1: lower-case letters and digits, values that are texts
    for (const [name, value] of Object.entries(event)) {
      if (name === 'data') continue;
      expect(name).toMatch(/^[a-z0-9]{1,20}$/);
      expect(typeof value).toBe('string');
    }
  });

  it('keeps the claim of a clock that was not believed, and files under arrival', () => {
    const event: unknown = JSON.parse(Buffer.from(encode({ readings: { a: 1 }, ts: 0, seq: 1 })).toString());
    expect(event).toMatchObject({
      id: 'minted',
      time: '2026-11-20T21:30:00.161Z',
      devicetime: '1970-01-01T00:00:00.000Z',
      data: { seq: 1 },
    });
  });

  it('formats every millisecond as Date does', () => {
    for (const ms of [
      0,
      1,
      9,
      10,
      99,
      100,
      999,
      1000,
      1001,
      -1,
      -1000,
      TS,
      RECEIVED,
      TS - 1,
      TS + 86_400_000,
    ]) {
      const event: unknown = JSON.parse(Buffer.from(encode({ readings: { a: 1 } }, ms)).toString());
      expect(event).toMatchObject({ receivedtime: new Date(ms).toISOString() });
    }
  });
});

describe('decodeTelemetry', () => {
  const good = { type: 'fieldgate.telemetry.v1', subject: 'd', id: '1', time: '2026-11-20T21:30:00Z' };

  it.each<TelemetryMessage>([
    { readings: { temperature: 71.4, running: true, state: 'ü"\\\n' }, ts: TS, seq: 42 },
    { readings: { a: -0.1 }, id: 'own' },
    { readings: { constructor: 5e-324, b: 1.7976931348623157e308 }, ts: TS, seq: 0 },
  ])('brings back what was written: %j', (message) => {
    const identity = identify(message, RECEIVED, mint);
    expect(decodeTelemetry(encode(message))).toEqual({
      deviceId: 'pump-7',
      id: identity.id,
      timeMs: identity.timeMs,
      receivedMs: RECEIVED,
      readings: message.readings,
      ...(message.seq === undefined ? {} : { seq: message.seq }),
    });
  });

  it('reads every time as Date does, whatever came before it', () => {
    for (const time of [
      '2026-11-20T21:30:00.123Z',
      '2026-11-20T21:30:00.999Z',
      '2026-11-20T21:30:00.12Z',
      '2026-11-20T21:30:00Z',
      '2026-11-20T22:30:00.123+01:00',
      '2026-11-20T21:30:00.007Z',
      '1969-12-31T23:59:59.999Z',
      '1969-12-31T23:59:59.001Z',
    ]) {
      const event = { ...good, time, receivedtime: time, data: { readings: { a: 1 } } };
      const at = Date.parse(time);
      expect(decodeTelemetry(Buffer.from(JSON.stringify(event)))).toMatchObject({
        timeMs: at,
        receivedMs: at,
      });
    }
  });

  it('reads a foreign producer’s event without receivedtime', () => {
    const event = {
      type: 'fieldgate.telemetry.v1',
      subject: 'd',
      id: '1',
      time: '2026-11-20T21:30:00Z',
      data: { readings: { a: 1 } },
    };
    const at = Date.parse(event.time);
    expect(decodeTelemetry(Buffer.from(JSON.stringify(event)))).toMatchObject({ timeMs: at, receivedMs: at });
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...good, type: 'other', data: { readings: {} } }),
    JSON.stringify({ ...good, data: null }),
    JSON.stringify({ ...good, data: { readings: [] } }),
    JSON.stringify({ ...good, id: 5, data: { readings: { a: 1 } } }),
    JSON.stringify({ ...good, time: 'x', data: { readings: { a: 1 } } }),
    JSON.stringify({ ...good, time: '2026-11-20T24:00:00.500Z', data: { readings: { a: 1 } } }),
    JSON.stringify({ ...good, receivedtime: 'x', data: { readings: { a: 1 } } }),
    JSON.stringify({ ...good, data: { readings: { a: null } } }),
    JSON.stringify({ ...good, data: { readings: { a: { b: 1 } } } }),
    JSON.stringify({ ...good, data: { readings: { 'a b': 1 } } }),
    `{"type":"fieldgate.telemetry.v1","subject":"d","id":"1","time":"2026-11-20T21:30:00Z","data":{"readings":{"__proto__":1}}}`,
  ])('refuses what is not ours: %s', (text) => {
    expect(decodeTelemetry(Buffer.from(text))).toMatchObject({
      kind: 'rejection',
      code: 'record-unreadable',
    });
  });
});
