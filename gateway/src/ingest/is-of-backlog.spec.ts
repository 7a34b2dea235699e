import { expect, it } from '@jest/globals';
import { isOfBacklog } from './is-of-backlog.js';
import type { InboundPublish } from './publish.js';

const NOW = 1_795_210_200_000;
const OLD = NOW - 60_001;

function published(topic: string, body: unknown, contentType?: string): InboundPublish {
  const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { topic: `devices/pump-7/${topic}`, payload, contentType } as unknown as InboundPublish; // what is looked at
}

it.each([
  ['a reading of more than a minute ago', published('telemetry', { ts: OLD, a: 1 }), true],
  ['a reading of now', published('telemetry', { ts: NOW, a: 1 }), false],
  ['a reading of a minute ago', published('telemetry', { ts: NOW - 60_000, a: 1 }), false],
  ['a reading without a time', published('telemetry', { a: 1 }), false],
  [
    'an array whose first reading is old',
    published('telemetry', [
      { ts: OLD, a: 1 },
      { ts: NOW, a: 1 },
    ]),
    true,
  ],
  ['an array of now', published('telemetry', [{ ts: NOW, a: 1 }]), false],
  ['an array whose first element is refused', published('telemetry', [{}, { ts: OLD, a: 1 }]), false],
  ['an old pack of SenML', published('telemetry/senml', [{ n: 'a', v: 1, t: OLD / 1_000 }]), true],
  [
    'the same by its Content Type',
    published('telemetry', [{ n: 'a', v: 1, t: OLD / 1_000 }], 'application/senml+json'),
    true,
  ],
  ['an old event', published('events/hot', { state: 'raised', ts: OLD }), true],
  ['an event of now', published('events/hot', { state: 'raised' }), false],
  ['what is no JSON', published('telemetry', '{'), false],
  ['an answer to a command', published('responses/c-1/200', { ts: OLD }), false],
])('says of %s whether it tells of the past: %#', (_what, publish, expected) => {
  expect(isOfBacklog(publish, 'devices/pump-7/', NOW)).toBe(expected);
});

it('believes nothing of a topic that is not the device’s', () => {
  expect(isOfBacklog(published('telemetry', { ts: OLD, a: 1 }), 'devices/pump-8/', NOW)).toBe(false);
});
