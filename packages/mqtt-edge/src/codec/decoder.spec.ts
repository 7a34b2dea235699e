import { expect, it } from '@jest/globals';
import { Decoder } from './decoder.js';
import { encode } from './encoder.js';
import { InboundPublish } from './inbound-publish.js';
import { PacketType } from './packet.js';
import { isViolation } from './protocol-violation.js';
import { decodeChunks, decodeOne, hex, refusal } from './testing/decoding.js';

const CONNECT_4 = '10 0D 0004 4D515454 04 02 000A 0001 70';
const CONNECT_5 = '10 0E 0004 4D515454 05 02 000A 00 0001 70';
const PUBLISH = '32 0F 0005 746F706963 1234 7061796C6F61';

it('has nothing to read before anything is written', () => {
  expect(new Decoder({ role: 'server', maximumPacketSize: 100 }).read()).toBeUndefined();
});

it('takes its version from CONNECT and reads on with it', () => {
  const read = decodeChunks([hex(`${CONNECT_5} 30 08 0005 746F706963 00 C000`)]);
  expect(read.map((packet) => isViolation(packet) || packet.type)).toEqual([1, 3, 12]);
  expect(decodeChunks([hex(`${CONNECT_4} 30 08 0005 746F706963 00 C000`)])[1]).toMatchObject({
    payload: hex('00'),
  });
});

it('knows the version of a CONNECT that goes wrong behind it, and none without one', () => {
  const versionAfter = (bytes: string): unknown => {
    const decoder = new Decoder({ role: 'server', maximumPacketSize: 100 });
    decoder.write(hex(bytes));
    expect(decoder.read()).toHaveProperty('violation', true);
    return decoder.version;
  };
  expect(versionAfter('10 0E 0004 4D515454 05 03 000A 00 0001 70')).toBe(5);
  expect(versionAfter('10 0D 0004 4D515454 06 02 000A 0001 70')).toBeUndefined();
  expect(versionAfter('C0 00')).toBeUndefined();
});

it.each([
  ['PINGREQ', 'C0 00'],
  ['PUBLISH', '30 07 0005 746F706963'],
  ['a reserved type', '00 00'],
  ['CONNACK', '20 02 00 00'],
])('refuses %s as the first packet', (_, bytes) => {
  expect(refusal(bytes)).toBe('0x82 MQTT-3.1.0-1');
});

it('stays violated, whatever comes then', () => {
  const decoder = new Decoder({ role: 'server', version: 4, maximumPacketSize: 100 });
  decoder.write(hex('C1 00 C0 00'));
  const violation = decoder.read();
  expect(violation).toEqual({
    violation: true,
    reasonCode: 0x81,
    clause: 'MQTT-2.1.3-1',
    reason: expect.any(String),
    packetType: undefined,
  });
  decoder.write(hex('C0 00'));
  expect(decoder.read()).toBe(violation);
});

it.each([
  ['in two bytes what fits into one', 'C0 80 00', '0x81 MQTT-1.5.5-1'],
  ['in four bytes what fits into three', '30 FF FF FF 00', '0x81 MQTT-1.5.5-1'],
  ['in five bytes', '30 FF FF FF FF 7F', '0x81 2.1.4'],
  ['beyond the limit', '30 63', '0x95 MQTT-3.2.2-15'],
  ['of 256 MB', '30 FF FF FF 7F', '0x95 MQTT-3.2.2-15'],
])('refuses a remaining length %s as soon as it is there', (_, bytes, expected) => {
  expect(refusal(bytes, { version: 5, maximumPacketSize: 100 })).toBe(expected);
});

it('counts the fixed header into the packet size, and takes a packet of just that size', () => {
  const bytes = hex(PUBLISH);
  expect(decodeOne(bytes, { version: 4, maximumPacketSize: bytes.length })).toMatchObject({
    packetId: 0x1234,
  });
  expect(refusal(bytes, { version: 4, maximumPacketSize: bytes.length - 1 })).toBe('0x95 MQTT-3.2.2-15');
});

it('names the limit to the one who broke it', () => {
  const read = decodeOne('30 63', { version: 5, maximumPacketSize: 100 });
  expect(read).toMatchObject({
    reason: 'packet of 101 bytes is larger than 100',
    packetType: PacketType.publish,
  });
});

it('says by whose limit a packet is too large, and of a CONNECT only that it is', () => {
  expect(refusal('30 63', { role: 'client', maximumPacketSize: 100 })).toBe('0x95 MQTT-3.1.2-24');
  expect(refusal(CONNECT_5, { maximumPacketSize: 15 })).toBe('0x95 3.2.2.2');
  expect(
    decodeChunks([hex(`${CONNECT_5} ${CONNECT_5.replace('0E', '7F')}`)], { maximumPacketSize: 100 }),
  ).toMatchObject([
    { type: PacketType.connect },
    { clause: 'MQTT-3.2.2-15' }, // the second one is a packet like others
  ]);
});

it.each([
  ['MQTT 5', '10 7F 0004 4D515454 05', 5],
  ['MQTT 3.1.1', '10 7F 0004 4D515454 04', 4],
  ['no version that there is', '10 7F 0004 4D515454 06', undefined],
  ['MQTT 3.1, for which it would have to read on', '10 7F 0006 4D51497364', undefined],
  ['another protocol', '10 7F 0004 4D515455 05', undefined],
])('takes from a CONNECT that is too large no more than its version: %s', (_, bytes, version) => {
  const decoder = new Decoder({ role: 'server', maximumPacketSize: 100 });
  for (const byte of hex(bytes)) {
    expect(decoder.read()).toBeUndefined();
    decoder.write(Buffer.from([byte]));
  }
  expect(decoder.read()).toMatchObject({ reasonCode: 0x95, packetType: PacketType.connect });
  expect(decoder.version).toBe(version);
});

it('does not wait for a version for which a CONNECT that is too large is too short', () => {
  expect(refusal('10 06', { maximumPacketSize: 5 })).toBe('0x95 3.2.2.2');
});

it('takes another limit while it lives', () => {
  const decoder = new Decoder({ role: 'server', version: 4, maximumPacketSize: 10 });
  decoder.maximumPacketSize = 1000;
  decoder.write(hex(PUBLISH));
  expect(decoder.read()).toMatchObject({ type: PacketType.publish });
});

it('reads the same packets from every single byte', () => {
  const bytes = hex(`${CONNECT_4} ${PUBLISH} C000 ${PUBLISH} E000`);
  const bySingleBytes = decodeChunks(Array.from(bytes, (byte) => Buffer.from([byte])));
  expect(bySingleBytes).toEqual(decodeChunks([bytes]));
  expect(bySingleBytes).toHaveLength(5);
});

it('takes chunks that are written before anybody reads', () => {
  const decoder = new Decoder({ role: 'server', version: 4, maximumPacketSize: 100 });
  for (const piece of ['C0', '00 C0', '00', 'E000']) decoder.write(hex(piece));
  decoder.write(Buffer.alloc(0));
  expect([decoder.read(), decoder.read(), decoder.read(), decoder.read()]).toEqual([
    { type: PacketType.pingreq },
    { type: PacketType.pingreq },
    expect.objectContaining({ type: PacketType.disconnect }),
    undefined,
  ]);
});

it('reads in order what was written for long before anybody reads, at a constant price for each chunk', () => {
  const decoder = new Decoder({ role: 'server', version: 4, maximumPacketSize: 100 });
  const ids = Array.from({ length: 60_000 }, (_, index) => index + 1);
  for (const id of ids) {
    decoder.write(Buffer.from([0x40, 2]));
    decoder.write(Buffer.from([id >> 8, id & 0xff]));
  }
  // 120,000 chunks: if each one moved those behind it, this would take a minute
  expect(ids.every((id) => (decoder.read() as { packetId?: number } | undefined)?.packetId === id)).toBe(
    true,
  );
  expect(decoder.read()).toBeUndefined();
});

it('does not copy a packet that arrived whole', () => {
  const decoder = new Decoder({ role: 'server', version: 4, maximumPacketSize: 100 });
  const chunk = hex(`${PUBLISH} ${PUBLISH}`);
  decoder.write(chunk);
  for (let packet = decoder.read(); packet !== undefined; packet = decoder.read()) {
    if (!(packet instanceof InboundPublish)) throw new Error('no PUBLISH');
    expect(packet.payload.buffer).toBe(chunk.buffer);
    expect(packet.topicBytes.buffer).toBe(chunk.buffer);
  }
});

it('holds no more memory than has arrived of a packet, whatever length it declares', () => {
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 100 }, () => {
    const decoder = new Decoder({ role: 'server', version: 4, maximumPacketSize: 268_435_460 });
    decoder.write(hex('30 FF FF FF 7F 0005 746F706963'));
    expect(decoder.read()).toBeUndefined();
    return decoder;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(decoders.length * 10_000);
});

it('gathers a large packet from small pieces without copying it again for each', () => {
  const topicBytes = Buffer.from('t');
  const payload = Buffer.alloc(4_000_000, 'x');
  const bytes = encode(
    {
      type: 3,
      dup: false,
      qos: 0,
      retain: false,
      packetId: undefined,
      topic: 't',
      topicBytes,
      payload,
      properties: {},
    },
    5,
  );
  const decoder = new Decoder({ role: 'server', version: 5, maximumPacketSize: 5_000_000 });
  let packet;
  for (let at = 0; at < bytes.length; at += 100) {
    decoder.write(bytes.subarray(at, at + 100));
    packet = decoder.read();
  }
  // 40,000 pieces: copied anew for each, they would be 80 GB, and the test would not end
  if (!(packet instanceof InboundPublish)) throw new Error('no PUBLISH');
  expect(packet.payload.equals(payload)).toBe(true);
});

it('a client reads what servers send, in MQTT 5 unless it says otherwise', () => {
  expect(decodeOne('20 03 00 00 00', { role: 'client' })).toMatchObject({ type: PacketType.connack });
  expect(decodeOne('20 02 01 00', { role: 'client', version: 4 })).toMatchObject({ sessionPresent: true });
  expect(refusal('C0 00', { role: 'client' })).toBe('0x82 2.1.2');
});

it('leaves a second CONNECT to the connection, whose version it does not change', () => {
  const read = decodeChunks([hex(`${CONNECT_5} ${CONNECT_4} 30 08 0005 746F706963 00`)]);
  expect(read).toMatchObject([{ version: 5 }, { version: 4 }, { payload: Buffer.alloc(0) }]);
});

it.each(['C0 01 00', 'D0 01 00'])('refuses bytes behind a packet that has none: %s', (bytes) => {
  expect(refusal(bytes, { version: 4, role: bytes.startsWith('C') ? 'server' : 'client' })).toBe('0x81 1.5');
});

it('takes no AUTH of a client that connected without a method, and judges its flags only with one', () => {
  const withMethod = '10 12 0004 4D515454 05 02 000A 04 15 0001 6D 0001 70';
  expect(decodeChunks([hex(`${CONNECT_5} F1 00`)])[1]).toMatchObject({ reasonCode: 0x82 });
  expect(decodeChunks([hex(`${withMethod} F1 00`)])[1]).toMatchObject({ reasonCode: 0x81 });
  expect(decodeChunks([hex(`${withMethod} F0 06 18 04 15 0001 6D`)])[1]).toMatchObject({ reasonCode: 0x18 });
});
