import { expect, it } from '@jest/globals';
import { parseUpTopic } from '../mqtt-topics.js';
import { readTelemetry, TELEMETRY_FORMATS, telemetryFormat, type StatedFormat } from './telemetry-format.js';

const NOW = 1_795_210_200_123;

it.each<[StatedFormat, string]>([
  [{}, 'json'],
  [{ contentType: 'application/json' }, 'json'],
  [{ contentType: 'Application/JSON; charset=utf-8' }, 'json'],
  [{ contentType: 'application/senml+json' }, 'senml'],
  [{ contentType: 'application/cbor' }, 'cbor'],
  [{ contentType: 'application/senml+cbor' }, 'senml-cbor'],
  [{ topicFormat: 'senml' }, 'senml'],
  [{ topicFormat: 'cbor' }, 'cbor'],
  [{ topicFormat: 'senml-cbor' }, 'senml-cbor'],
  [{ topicFormat: 'cbor', contentType: 'application/cbor' }, 'cbor'],
])('%j is %s', (stated, format) => {
  expect(telemetryFormat(stated)).toBe(format);
});

it.each<[StatedFormat, string]>([
  [{ contentType: 'text/plain' }, 'the Content Type is none of application/json, application/senml+json, application/cbor, application/senml+cbor'], // prettier-ignore
  [{ contentType: '' }, 'the Content Type is none of'],
  [{ contentType: 'application/json-seq' }, 'the Content Type is none of'],
  [{ contentType: 'application/sensml+json' }, 'the Content Type is none of'],
  [{ topicFormat: 'cbor', contentType: 'application/json' }, 'the Content Type says json, and the topic says cbor'], // prettier-ignore
  [{ topicFormat: 'senml', contentType: 'application/senml+cbor' }, 'the Content Type says senml-cbor, and the topic says senml'], // prettier-ignore
])('%j is refused', (stated, says) => {
  expect(telemetryFormat(stated)).toMatchObject({
    code: 'content-type',
    detail: expect.stringContaining(says),
  });
  expect(readTelemetry(Buffer.from('{"a":1}'), stated, NOW)).toMatchObject({ code: 'content-type' });
});

it.each<[StatedFormat, string]>([
  [{}, '7b2261223a317d'],
  [{ topicFormat: 'senml' }, '5b7b226e223a2261222c2276223a317d5d'],
  [{ topicFormat: 'cbor' }, 'a1616101'],
  [{ topicFormat: 'senml-cbor' }, '81a20061610201'],
])('reads %j', (stated, hex) => {
  expect(readTelemetry(Buffer.from(hex, 'hex'), stated, NOW)).toEqual({
    kind: 'one',
    message: { readings: { a: 1 } },
  });
});

it('has a topic for each format', () => {
  for (const format of Object.keys(TELEMETRY_FORMATS)) {
    if (format === 'json') expect(parseUpTopic('telemetry')).toEqual({ kind: 'telemetry' });
    else expect(parseUpTopic(`telemetry/${format}`)).toEqual({ kind: 'telemetry', format });
  }
});
