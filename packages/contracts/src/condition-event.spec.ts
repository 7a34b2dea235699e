import { describe, expect, it } from '@jest/globals';
import { decodeEvent, encodeEvent, parseConditionEvent } from './condition-event.js';

const parse = (text: string): ReturnType<typeof parseConditionEvent> =>
  parseConditionEvent(Buffer.from(text));
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('parseConditionEvent', () => {
  it('takes state, severity, details and identity', () => {
    const text =
      '{"state":"raised","severity":"critical","ts":5,"seq":7,"id":"e","details":{"limit":80,"list":[1,null]}}';
    expect(parse(text)).toEqual({
      state: 'raised',
      severity: 'critical',
      details: { limit: 80, list: [1, null] },
      ts: 5,
      seq: 7,
      id: 'e',
    });
  });

  it('takes a state alone, as information', () => {
    expect(parse('{"state":"cleared"}')).toEqual({ state: 'cleared', severity: 'info' });
  });

  it('takes details of 8 levels and refuses the ninth, and 10,000', () => {
    expect(parse(`{"state":"info","details":${nested(8)}}`)).toMatchObject({ state: 'info' });
    for (const depth of [9, 10_000]) {
      expect(parse(`{"state":"info","details":${nested(depth)}}`)).toMatchObject({
        code: 'payload-too-deep',
      });
    }
    const arrays = `{"state":"info","details":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`;
    expect(parse(arrays)).toMatchObject({ code: 'payload-too-deep' });
  });

  it('refuses 1e400 in details, which JSON could not carry on', () => {
    expect(parse('{"state":"info","details":{"a":[{"b":1e400}]}}')).toMatchObject({
      code: 'value-not-finite',
    });
  });

  it.each([
    ['', 'payload-not-json'],
    ['raised', 'payload-not-json'],
    ['[]', 'payload-shape'],
    ['null', 'payload-shape'],
    ['"raised"', 'payload-shape'],
    ['{}', 'payload-shape'],
    ['{"state":"RAISED"}', 'payload-shape'],
    ['{"state":null}', 'payload-shape'],
    ['{"state":"info","severity":"fatal"}', 'payload-shape'],
    ['{"state":"info","details":[]}', 'payload-shape'],
    ['{"state":"info","details":"hot"}', 'payload-shape'],
    ['{"state":"info","ts":true}', 'payload-shape'],
    ['{"state":"info","seq":-1}', 'payload-shape'],
    ['{"state":"info","id":""}', 'payload-shape'],
    ['{"__proto__":{"state":"info"}}', 'payload-shape'],
  ])('refuses %j as %s', (text, code) => {
    expect(parse(text)).toMatchObject({ kind: 'rejection', code });
  });

  it('keeps prototypes clean', () => {
    parse(
      '{"state":"info","__proto__":{"polluted":1},"details":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}',
    );
    expect('polluted' in {}).toBe(false);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(parseConditionEvent(Uint8Array.of(0x22, 0xff, 0x22))).toMatchObject({ code: 'payload-not-utf8' });
  });
});

describe('records of events', () => {
  const identity = { id: 'e-1', timeMs: 1_795_210_200_123 };

  it('bring back what was written', () => {
    const event = {
      deviceId: 'pump-7',
      event: 'overheating',
      state: 'raised',
      severity: 'critical',
      seq: 3,
      details: { limit: 80, text: 'heiß' },
    } as const;
    expect(decodeEvent(encodeEvent({ ...event, gatewayId: 'gw-1' }, identity, 1_795_210_200_161))).toEqual({
      ...event,
      ...identity,
      receivedMs: 1_795_210_200_161,
    });
  });

  it('bring back an event without details', () => {
    const event = { deviceId: 'pump-7', event: 'connected', state: 'info', severity: 'info' } as const;
    const record = decodeEvent(encodeEvent(event, identity, 5));
    expect(record).toEqual({ ...event, ...identity, receivedMs: 5 });
  });

  it('keep the claim of a clock that was not believed', () => {
    const event = { deviceId: 'pump-7', event: 'x', state: 'info', severity: 'info' } as const;
    const bytes = encodeEvent(event, { ...identity, claimedMs: 0 }, 5);
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
      devicetime: '1970-01-01T00:00:00.000Z',
    });
  });

  it.each(['', '{', '{}', 'null', '[1]'])('are refused when they are not ours: %j', (text) => {
    expect(decodeEvent(Buffer.from(text))).toMatchObject({ kind: 'rejection', code: 'record-unreadable' });
  });
});
