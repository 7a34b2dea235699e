import { describe, expect, it } from '@jest/globals';
import { Encoder } from 'cbor-x';
import { isRejection } from '../errors.js';
import type { TelemetryMessage } from '../telemetry/parse-telemetry.js';
import { readSenmlCbor } from './read-senml-cbor.js';
import { readSenmlJson } from './read-senml-json.js';
import { senmlPackSchema } from './senml-schema.js';

type Field = number | string | boolean;
type Pack = readonly Readonly<Record<string, Field>>[];

const NOW = 1_795_210_200_123;
const LABELS: Readonly<Record<string, number>> = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
};
const encoder = new Encoder({ useRecords: false, mapsAsObjects: false });

/** The pack as RFC 8428, section 6, writes it. */
function inCbor(pack: Pack): Uint8Array {
  const records = pack.map(
    (record) =>
      new Map<number | undefined, Field | Uint8Array>(
        Object.entries(record).map(([label, value]) => [
          LABELS[label],
          label === 'vd' ? Buffer.from(String(value), 'base64url') : value,
        ]),
      ),
  );
  return encoder.encode(records);
}

/** Without the ids, which are made of the content. */
function messagesOf(payload: unknown): TelemetryMessage[] {
  if (isRejection(payload)) throw new Error(`${payload.code}: ${payload.detail}`);
  const { message, elements } = payload as {
    message?: TelemetryMessage;
    elements?: readonly TelemetryMessage[];
  }; // either, by its kind
  return (elements ?? [message as TelemetryMessage]).map(({ id: _id, ...rest }) => rest);
}

const DEVICE = 'urn:dev:ow:10e2073a01080063';

/** The examples of RFC 8428, section 5, and what becomes of them. */
const EXAMPLES: readonly [string, Pack, readonly TelemetryMessage[]][] = [
  ['5.1.1 one measurement', [{ n: DEVICE, u: 'Cel', v: 23.1 }], [{ readings: { Cel: 23.1 } }]],
  [
    '5.1.2 voltage and current now',
    [
      { bn: `${DEVICE}:`, n: 'voltage', u: 'V', v: 120.1 },
      { n: 'current', u: 'A', v: 1.2 },
    ],
    [{ readings: { voltage: 120.1, current: 1.2 } }],
  ],
  [
    '5.1.2 the current of the last five seconds',
    [
      { bn: `${DEVICE}:`, bt: 1.276020076001e9, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
      { n: 'current', t: -5, v: 1.2 },
      { n: 'current', t: -4, v: 1.3 },
      { n: 'current', t: -3, v: 1.4 },
      { n: 'current', t: -2, v: 1.5 },
      { n: 'current', t: -1, v: 1.6 },
      { n: 'current', v: 1.7 },
    ],
    [
      { ts: 1276020071001, readings: { current: 1.2 } },
      { ts: 1276020072001, readings: { current: 1.3 } },
      { ts: 1276020073001, readings: { current: 1.4 } },
      { ts: 1276020074001, readings: { current: 1.5 } },
      { ts: 1276020075001, readings: { current: 1.6 } },
      { ts: 1276020076001, readings: { voltage: 120.1, current: 1.7 } },
    ],
  ],
  [
    '5.1.3 humidity and position of what moves',
    [
      { bn: DEVICE, bt: 1.320067464e9, bu: '%RH', v: 20 },
      { u: 'lon', v: 24.30621 },
      { u: 'lat', v: 60.07965 },
      { t: 60, v: 20.3 },
      { u: 'lon', t: 60, v: 24.30622 },
      { u: 'lat', t: 60, v: 60.07965 },
      { t: 120, v: 20.7 },
      { u: 'lon', t: 120, v: 24.30623 },
      { u: 'lat', t: 120, v: 60.07966 },
      { u: '%EL', t: 150, v: 98 },
      { t: 180, v: 21.2 },
      { u: 'lon', t: 180, v: 24.30628 },
      { u: 'lat', t: 180, v: 60.07967 },
    ],
    [
      { ts: 1320067464000, readings: { _RH: 20, lon: 24.30621, lat: 60.07965 } },
      { ts: 1320067524000, readings: { _RH: 20.3, lon: 24.30622, lat: 60.07965 } },
      { ts: 1320067584000, readings: { _RH: 20.7, lon: 24.30623, lat: 60.07966 } },
      { ts: 1320067614000, readings: { _EL: 98 } },
      { ts: 1320067644000, readings: { _RH: 21.2, lon: 24.30628, lat: 60.07967 } },
    ],
  ],
  [
    '5.1.4 the same, resolved',
    [
      { n: DEVICE, u: '%RH', t: 1.320067464e9, v: 20 },
      { n: DEVICE, u: 'lon', t: 1.320067464e9, v: 24.30621 },
      { n: DEVICE, u: '%RH', t: 1.320067524e9, v: 20.3 },
    ],
    [
      { ts: 1320067464000, readings: { _RH: 20, lon: 24.30621 } },
      { ts: 1320067524000, readings: { _RH: 20.3 } },
    ],
  ],
  [
    '5.1.5 several types of values',
    [
      { bn: `${DEVICE}:`, n: 'temp', u: 'Cel', v: 23.1 },
      { n: 'label', vs: 'Machine Room' },
      { n: 'open', vb: false },
      { n: 'nfc-reader', vd: 'aGkgCg' },
    ],
    [{ readings: { temp: 23.1, label: 'Machine Room', open: false, 'nfc-reader': 'aGkgCg' } }],
  ],
  [
    '5.1.6 a collection of resources',
    [
      { bn: '2001:db8::2/', bt: 1.320078429e9, n: 'temperature', u: 'Cel', v: 25.2 },
      { n: 'humidity', u: '%RH', v: 30 },
      { bn: '2001:db8::1/', n: 'temperature', u: 'Cel', v: 12.3 },
      { n: 'humidity', u: '%RH', v: 67 },
    ],
    [
      {
        ts: 1320078429000,
        readings: {
          '_2001:db8::2.temperature': 25.2,
          '_2001:db8::2.humidity': 30,
          '_2001:db8::1.temperature': 12.3,
          '_2001:db8::1.humidity': 67,
        },
      },
    ],
  ],
  [
    '5.1.7 set points',
    [
      { bn: `${DEVICE}:`, n: 'temp', u: 'Cel', v: 23.1 },
      { n: 'heat', u: '/', v: 1 },
      { n: 'fan', u: '/', v: 0 },
    ],
    [{ readings: { temp: 23.1, heat: 1, fan: 0 } }],
  ],
  [
    '5.1.7 two lights, now and a tenth of a second later',
    [
      { bt: 1.320078429e9, bu: '/', n: '2001:db8::3', v: 0.5 },
      { n: '2001:db8::4', v: 0.5 },
      { n: '2001:db8::3', t: 0.1, v: 0 },
      { n: '2001:db8::4', t: 0.1, v: 0 },
    ],
    [
      { ts: 1320078429000, readings: { '_2001:db8::3': 0.5, '_2001:db8::4': 0.5 } },
      { ts: 1320078429100, readings: { '_2001:db8::3': 0, '_2001:db8::4': 0 } },
    ],
  ],
];

describe.each(EXAMPLES)('RFC 8428, %s', (_name, pack, messages) => {
  it('is read in JSON', () => {
    expect(messagesOf(readSenmlJson(Buffer.from(JSON.stringify(pack)), NOW))).toEqual(messages);
  });

  it('is of the schema in the documents', () => {
    expect(senmlPackSchema.safeParse(pack).success).toBe(true);
  });

  it('is read in CBOR', () => {
    expect(messagesOf(readSenmlCbor(inCbor(pack), NOW))).toEqual(messages);
  });
});

it('reads the bytes of RFC 8428, section 6', () => {
  const bytes = Buffer.from(
    `87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c746167
     6501615602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccc
     cccccda3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00a3006763757272656e74062002fb
     3ff999999999999aa3006763757272656e74060002fb3ffb333333333333`.replace(/\s/g, ''),
    'hex',
  );
  expect(messagesOf(readSenmlCbor(bytes, NOW))).toEqual(EXAMPLES[2]?.[2]);
});
