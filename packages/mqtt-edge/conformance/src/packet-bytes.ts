/** Packets as bytes: the runner must not share a decoder with what it judges. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const;

const NAMES = new Map<number, string>(Object.entries(PacketType).map(([name, type]) => [type, name]));

export const PINGREQ = Buffer.from([0xc0, 0]);
export const PINGRESP = Buffer.from([0xd0, 0]);

export function typeOf(packet: Buffer): number {
  return (packet[0] ?? 0) >> 4;
}

/** `reserved` for type 0. */
export function typeName(packet: Buffer): string {
  return NAMES.get(typeOf(packet)) ?? 'reserved';
}

/** The length of the first packet in `bytes`, or undefined while more must come (for ever, when the length itself is broken). */
export function firstPacketLength(bytes: Buffer): number | undefined {
  let remaining = 0;
  for (let digit = 0; digit < 4; digit++) {
    const byte = bytes[1 + digit];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** digit;
    if (byte < 0x80) {
      const whole = 2 + digit + remaining;
      return bytes.length >= whole ? whole : undefined;
    }
  }
  return undefined;
}

/** What follows the fixed header. */
export function bodyOf(packet: Buffer): Buffer {
  let at = 1;
  while ((packet[at] ?? 0) >= 0x80) at++;
  return packet.subarray(at + 1);
}

export function qosOf(publish: Buffer): number {
  return ((publish[0] ?? 0) >> 1) & 3;
}

/** Of PUBLISH above QoS 0 and of the four acknowledgements; undefined where there is none or the packet ends before it. */
export function packetIdOf(packet: Buffer): number | undefined {
  const at = packetIdAt(packet);
  return at === undefined ? undefined : packet.readUInt16BE(at);
}

export function withPacketId(packet: Buffer, id: number): Buffer {
  const at = packetIdAt(packet);
  if (at === undefined) return packet;
  const copy = Buffer.from(packet);
  copy.writeUInt16BE(id, at);
  return copy;
}

/** Of CONNACK and DISCONNECT; left out means success. */
export function reasonOf(packet: Buffer): number {
  return bodyOf(packet)[typeOf(packet) === PacketType.CONNACK ? 1 : 0] ?? 0;
}

/** Clean, without a login. */
export function connectPacket(version: 3 | 4 | 5, clientId: string): Buffer {
  const properties = version === 5 ? Buffer.from([3, 0x21, 0, 20]) : Buffer.alloc(0); // Receive Maximum 20, as where the cases come from
  return shortPacket(0x10, [
    shortText(version === 3 ? 'MQIsdp' : 'MQTT'),
    Buffer.from([version, 0x02, 0, 60]),
    properties,
    shortText(clientId),
  ]);
}

/** MQTT 3.1.1. */
export function publishPacket(message: {
  readonly topic: string;
  readonly qos: number;
  readonly payload: string;
}): Buffer {
  const id = message.qos > 0 ? Buffer.from([0, 1]) : Buffer.alloc(0);
  return shortPacket(0x30 | (message.qos << 1), [shortText(message.topic), id, Buffer.from(message.payload)]);
}

function packetIdAt(packet: Buffer): number | undefined {
  const start = packet.length - bodyOf(packet).length;
  const publish = typeOf(packet) === PacketType.PUBLISH;
  if (publish && (qosOf(packet) === 0 || start + 2 > packet.length)) return undefined;
  const at = publish ? start + 2 + packet.readUInt16BE(start) : start;
  return at + 2 <= packet.length ? at : undefined;
}

function shortPacket(header: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length > 127) throw new RangeError(`a packet of the runner's own has ${body.length} bytes`);
  return Buffer.concat([Buffer.from([header, body.length]), body]);
}

function shortText(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
}
