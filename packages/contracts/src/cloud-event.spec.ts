import { describe, expect, it } from '@jest/globals';
import {
  claimedTime,
  cloudEventSchema,
  deviceSource,
  encodeCloudEvent,
  isBelievable,
} from './cloud-event.js';

const ARRIVED = Date.parse('2026-11-20T21:30:00.123Z');
const DAY = 86_400_000;

describe('isBelievable', () => {
  it.each([
    ['30 days ago', ARRIVED - 30 * DAY, true],
    ['a millisecond more than 30 days ago', ARRIVED - 30 * DAY - 1, false],
    ['arrival itself', ARRIVED, true],
    ['5 minutes ahead', ARRIVED + 300_000, true],
    ['a millisecond more than 5 minutes ahead', ARRIVED + 300_001, false],
    ['1970', 0, false],
    ['2200', Date.parse('2200-01-01T00:00:00Z'), false],
    ['seconds instead of milliseconds', ARRIVED / 1000, false],
    ['1e400', Number.POSITIVE_INFINITY, false],
    ['-1e400', Number.NEGATIVE_INFINITY, false],
  ])('%s', (_, claimed, believed) => {
    expect(isBelievable(claimed, ARRIVED)).toBe(believed);
  });
});

describe('claimedTime', () => {
  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [8.64e15, '+275760-09-13T00:00:00.000Z'],
    [8.65e15, '8650000000000000'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('keeps %d whatever it says', (claimed, text) => {
    expect(claimedTime(claimed)).toBe(text);
  });
});

describe('cloudEventSchema', () => {
  const event = {
    specversion: '1.0' as const,
    type: 'fieldgate.events.v1',
    source: deviceSource('pump-7'),
    subject: 'pump-7',
    id: '1',
    time: '2026-11-20T21:30:00.123Z',
    receivedtime: '2026-11-20T21:30:00.123Z',
    datacontenttype: 'application/json' as const,
    data: { any: ['thing'] },
  };

  it('brings back what was encoded', () => {
    expect(cloudEventSchema.parse(JSON.parse(Buffer.from(encodeCloudEvent(event)).toString()))).toEqual(
      event,
    );
  });

  it.each([
    ['another version', { specversion: '0.3' }],
    ['no id', { id: undefined }],
    ['a time that is none', { time: 'yesterday' }],
    ['an arrival that is none', { receivedtime: '' }],
    ['another content type', { datacontenttype: 'text/plain' }],
  ])('refuses %s', (_, wrong) => {
    expect(cloudEventSchema.safeParse({ ...event, ...wrong }).success).toBe(false);
  });
});
