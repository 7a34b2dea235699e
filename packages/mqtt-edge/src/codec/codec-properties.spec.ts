import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encode } from './encoder.js';
import { isViolation } from './protocol-violation.js';
import { decodeChunks } from './testing/decoding.js';
import { conversations, DIRECTIONS, optionsFor, RUNS } from './testing/directions.js';

it.each(DIRECTIONS)('decodes what it encodes: MQTT $version, sent by a $sender', (direction) => {
  fc.assert(
    fc.property(conversations(direction), (packets) => {
      const bytes = Buffer.concat(
        packets.map((packet) => encode(packet, direction.version, direction.sender)),
      );
      expect(decodeChunks([bytes], optionsFor(direction))).toEqual(packets);
    }),
    RUNS,
  );
});

it.each(DIRECTIONS)(
  'encodes what it has decoded to the same bytes: MQTT $version, sent by a $sender',
  (direction) => {
    fc.assert(
      fc.property(conversations(direction), (packets) => {
        const canonical = packets.map((packet) => encode(packet, direction.version, direction.sender));
        const again = decodeChunks([Buffer.concat(canonical)], optionsFor(direction)).map((packet) => {
          if (isViolation(packet)) throw new Error(packet.reason);
          return encode(packet, direction.version, direction.sender).toString('hex');
        });
        expect(again).toEqual(canonical.map((bytes) => bytes.toString('hex')));
      }),
      RUNS,
    );
  },
);

it.each(DIRECTIONS)('every split gives the same packets: MQTT $version, sent by a $sender', (direction) => {
  const cuts = fc.array(fc.nat({ max: 10_000 }), { maxLength: 12 });
  const rest = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(conversations(direction), cuts, rest, (packets, drawn, tail) => {
      const bytes = Buffer.concat(
        packets
          .map((packet) => encode(packet, direction.version, direction.sender))
          .concat(Buffer.from(tail)),
      );
      const options = { ...optionsFor(direction), maximumPacketSize: 2000 };
      const places = drawn.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
      const chunks = places
        .concat(bytes.length)
        .map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      expect(decodeChunks(chunks, options)).toEqual(decodeChunks([bytes], options));
    }),
    RUNS,
  );
});

it.each(DIRECTIONS)('single bytes give the same packets: MQTT $version, sent by a $sender', (direction) => {
  fc.assert(
    fc.property(conversations(direction), (packets) => {
      const bytes = Buffer.concat(
        packets.map((packet) => encode(packet, direction.version, direction.sender)),
      );
      const single = Array.from(bytes, (byte) => Buffer.from([byte]));
      expect(decodeChunks(single, optionsFor(direction))).toEqual(packets);
    }),
    { ...RUNS, numRuns: 30 },
  );
});
