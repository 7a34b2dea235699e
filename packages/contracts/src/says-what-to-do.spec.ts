import { expect, it } from '@jest/globals';
import { parseConditionEvent } from './condition-event.js';
import { unknownTopicDetail } from './mqtt-topics.js';
import { parseTelemetry } from './telemetry/parse-telemetry.js';
import { readTelemetry } from './telemetry-formats/telemetry-format.js';

const METRIC_RULE = 'a letter or _, then up to 63 letters, digits or _ . : -';

it.each([
  ['', 'payload-not-json', 'the payload is empty: send one JSON object, or an array of them'],
  ['\uFEFF{"a":1}', 'payload-not-json', 'the payload begins with a byte order mark: send JSON without one'],
  ['{"a":}', 'payload-not-json', 'The payload is not JSON.'],
  ['{"a b":1}', 'metric-name', `"a b" is not a metric name: ${METRIC_RULE}`],
  ['{"__proto__":1}', 'metric-name', '"__proto__" is not a metric name: __proto__ may not stand in one'],
  ['{"a.__proto__":1}', 'metric-name', '"a.__proto__" is not a metric name: __proto__ may not stand in one'],
  [
    '{"a":1,"ts":"2026-11-21T21:30:00"}',
    'payload-shape',
    '"ts" has no zone: end it with Z for UTC, or with an offset like +02:00',
  ],
  [
    '{"a":1,"ts":"yesterday"}',
    'payload-shape',
    '"ts" must be epoch milliseconds, or RFC 3339 with its zone like 2026-11-21T21:30:00Z',
  ],
  ['{"readings":null,"ts":1}', 'value-type', '"readings" must be an object with the readings in it'],
  ['{"readings":[1]}', 'value-type', '"readings" must be an object with the readings in it'],
  ['{"a":1,"seq":-1}', 'payload-shape', '"seq" must be a whole number from 0'],
])('telemetry %j is refused with what is wrong', (payload, code, detail) => {
  expect(parseTelemetry(Buffer.from(payload))).toMatchObject({ code, detail });
});

it.each([
  ['{"state":"on"}', '"state" must be raised, cleared or info'],
  [
    '{"state":1,"severity":"bad","details":[]}',
    '"state" must be raised, cleared or info; "severity" must be info, warning or critical, or be left out; "details" must be an object, or be left out',
  ],
])('the event %j is refused in our words', (payload, detail) => {
  expect(parseConditionEvent(Buffer.from(payload))).toMatchObject({ code: 'payload-shape', detail });
});

it.each([
  ['', 'the payload is empty'],
  ['{"a":1}', 'the payload is JSON, and its topic or Content Type says CBOR'],
  ['[{"a":1}]', 'the payload is JSON, and its topic or Content Type says CBOR'],
])('%j to a topic of CBOR is refused as what it is', (payload, detail) => {
  expect(readTelemetry(Buffer.from(payload), { topicFormat: 'cbor' }, 0)).toMatchObject({
    code: 'payload-not-cbor',
    detail,
  });
});

it.each([
  [
    'events/over heated',
    '"over heated" is not an event type: a letter or digit, then up to 63 letters, digits or . _ -',
  ],
  ['responses/c-1/999', '"999" is not a status: send 102, 2xx, 4xx or 5xx'],
  [
    'telemetry/xml',
    'the gateway has no use for this topic: below devices/pump-7/ publish to telemetry, telemetry/senml, telemetry/cbor, telemetry/senml-cbor, events/{type} or responses/{commandId}',
  ],
])('of the topic %s the device is told what to use', (rest, detail) => {
  expect(unknownTopicDetail('pump-7', rest)).toBe(detail);
});
