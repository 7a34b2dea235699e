import { PacketType, PROPERTY_TABLE, type PropertyRow } from '@fieldgate/mqtt-edge';
import { headerLength, NOTHING, varint } from './framing.js';
import type { Random } from './random.js';

const TYPES = new Map(PROPERTY_TABLE.map((row) => [row.id, row.type]));
const NUMBERS = [0, 1, 2, 127, 128, 255, 16_384, 65_535, 268_435_455, 4_294_967_295];
const TEXTS = ['', 'a', 'topic', 'a/b', 'a/+', '#', 'ü', '\u{1f600}', '\uffff', '\u0001', '\0']
  .map((text) => Buffer.from(text))
  .concat(Buffer.from('eda080', 'hex'), Buffer.from('c080', 'hex'), Buffer.from('ff', 'hex'));

/** Where a list stands, its length before it. */
export interface PropertyList {
  readonly lengthAt: number;
  readonly from: number;
  readonly to: number;
}

/** The list of an MQTT 5 packet, or of the will in a CONNECT; undefined: there is none, or it cannot be found. */
export function propertyListOf(packet: Buffer, ofWill: boolean): PropertyList | undefined {
  const body = headerLength(packet);
  if (body === undefined) return undefined;
  const list = listAt(packet, listPlace(packet, body));
  const hasWill = (packet[0] as number) >> 4 === PacketType.connect && ofWill; // there is a header
  if (!hasWill || list === undefined) return list;
  return listAt(packet, list.to + 2 + twoBytes(packet, list.to)) ?? list;
}

function listPlace(packet: Buffer, body: number): number {
  const firstByte = packet[0] as number; // there is a header
  switch (firstByte >> 4) {
    case PacketType.connect:
      return body + 2 + twoBytes(packet, body) + 4;
    case PacketType.publish:
      return body + 2 + twoBytes(packet, body) + (firstByte & 6 ? 2 : 0);
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
      return body + 3;
    case PacketType.disconnect:
    case PacketType.auth:
      return body + 1;
    default:
      return body + 2;
  }
}

function listAt(packet: Buffer, lengthAt: number): PropertyList | undefined {
  const first = packet[lengthAt];
  if (first === undefined) return undefined;
  const second = first < 0x80 ? 0 : packet[lengthAt + 1];
  if (second === undefined || second >= 0x80) return undefined; // longer lists are left to the other mutations
  const from = lengthAt + (first < 0x80 ? 1 : 2);
  const to = from + (first & 0x7f) + second * 128;
  return to > packet.length ? undefined : { lengthAt, from, to };
}

const twoBytes = (bytes: Buffer, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** The properties one by one; what cannot be read is one piece. */
export function propertiesIn(packet: Buffer, { from, to }: PropertyList): Buffer[] {
  const properties: Buffer[] = [];
  for (let at = from; at < to;) {
    const end = Math.min(to, at + 1 + valueLength(packet, at));
    properties.push(packet.subarray(at, end));
    at = end;
  }
  return properties;
}

function valueLength(packet: Buffer, at: number): number {
  switch (TYPES.get(packet[at] ?? 0)) {
    case 'byte':
      return 1;
    case 'two byte':
      return 2;
    case 'four byte':
      return 4;
    case 'varint':
      return Math.max(1, packet.subarray(at + 1, at + 5).findIndex((byte) => byte < 0x80) + 1);
    case 'utf8':
    case 'binary':
      return 2 + twoBytes(packet, at + 1);
    case 'pair': {
      const name = 2 + twoBytes(packet, at + 1);
      return name + 2 + twoBytes(packet, at + 1 + name);
    }
    case undefined:
      return packet.length;
  }
}

/** Any property of MQTT 5, with a value that may be wrong. */
export function drawProperty(random: Random): Buffer {
  const row = random.pick(PROPERTY_TABLE);
  return Buffer.concat([Buffer.from([row.id]), drawValue(random, row)]);
}

function drawValue(random: Random, row: PropertyRow): Buffer {
  switch (row.type) {
    case 'byte':
      return Buffer.from([random.pick(NUMBERS)]);
    case 'two byte':
      return number(random, 2);
    case 'four byte':
      return number(random, 4);
    case 'varint':
      return varint(random.pick(NUMBERS));
    case 'utf8':
    case 'binary':
      return field(random.pick(TEXTS));
    case 'pair':
      return Buffer.concat([field(random.pick(TEXTS)), field(random.pick(TEXTS))]);
  }
}

function number(random: Random, size: 2 | 4): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(random.pick(NUMBERS) % 256 ** size, 0, size);
  return bytes;
}

function field(text: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, text.length]), text]);
}

/** The packet with other properties in place of its list; its remaining length is left as it was. */
export function withProperties(packet: Buffer, list: PropertyList, properties: readonly Buffer[]): Buffer {
  const written = properties.length === 0 ? NOTHING : Buffer.concat(properties);
  return Buffer.concat([
    packet.subarray(0, list.lengthAt),
    varint(written.length),
    written,
    packet.subarray(list.to),
  ]);
}
