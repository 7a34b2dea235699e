import { bodyOf, PacketType, qosOf, typeOf } from './packet-bytes.js';

/** How the value of a property is written: a number of bytes, or what follows a length. */
const PROPERTY_VALUE: Readonly<Record<number, number | 'varint' | 'field' | 'pair'>> = {
  0x01: 1,
  0x02: 4,
  0x03: 'field',
  0x08: 'field',
  0x09: 'field',
  0x0b: 'varint',
  0x11: 4,
  0x12: 'field',
  0x13: 2,
  0x15: 'field',
  0x16: 'field',
  0x17: 1,
  0x18: 4,
  0x19: 1,
  0x1a: 'field',
  0x1c: 'field',
  0x1f: 'field',
  0x21: 2,
  0x22: 2,
  0x23: 2,
  0x24: 1,
  0x25: 1,
  0x26: 'pair',
  0x27: 4,
  0x28: 1,
  0x29: 1,
  0x2a: 1,
};
const REASON_STRING = 0x1f;
const USER_PROPERTY = 0x26;
const NO_MATCHING_SUBSCRIBERS = 0x10;

/**
 * Whether two MQTT 5 packets of a broker say the same, however they are written: a reason code 0 or an empty property list may be left out,
 * properties may come in another order, an answer may explain itself (Reason String, User Properties), say that nobody has subscribed, and
 * a CONNACK may list other capabilities.
 */
export function sameMeaning(one: Buffer, other: Buffer): boolean {
  const meaning = meaningOf(one);
  return meaning !== undefined && meaning === meaningOf(other);
}

/** Undefined when the packet cannot be read. */
function meaningOf(packet: Buffer): string | undefined {
  try {
    return JSON.stringify([typeOf(packet), ...said(packet)]);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the packet ends before its fields do
    throw error;
  }
}

function said(packet: Buffer): readonly unknown[] {
  const fields = new Fields(bodyOf(packet));
  switch (typeOf(packet)) {
    case PacketType.CONNACK:
      return [fields.number(1), fields.number(1)];
    case PacketType.PUBLISH: {
      const flags = (packet[0] ?? 0) & 0x0f;
      const topic = fields.field();
      if (qosOf(packet) > 0) fields.number(2); // compared where the broker's own ids are known
      return [flags, topic, fields.properties(), fields.rest()];
    }
    case PacketType.PUBACK:
    case PacketType.PUBREC:
      return [fields.number(2), matched(fields.reason()), withoutExplanation(fields.properties())];
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return [fields.number(2), fields.reason(), withoutExplanation(fields.properties())];
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      return [fields.number(2), withoutExplanation(fields.properties()), fields.rest()];
    case PacketType.DISCONNECT:
      return [fields.reason(), withoutExplanation(fields.properties())];
    default:
      return [packet[0], fields.rest()];
  }
}

function matched(reason: number): number {
  return reason === NO_MATCHING_SUBSCRIBERS ? 0 : reason; // a broker need not know
}

function withoutExplanation(properties: readonly Property[]): readonly Property[] {
  return properties.filter(({ id }) => id !== REASON_STRING && id !== USER_PROPERTY);
}

interface Property {
  readonly id: number;
  readonly value: string;
}

/** Reads a body front to back; everything that is missing is a RangeError. */
class Fields {
  private at = 0;

  constructor(private readonly body: Buffer) {}

  number(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  /** 0 when the packet ends here. */
  reason(): number {
    return this.at < this.body.length ? this.number(1) : 0;
  }

  /** Bytes behind a length of two bytes. */
  field(): string {
    return this.take(this.number(2)).toString('hex');
  }

  /** In the order of their identifiers; those with the same keep theirs. None when the packet ends here. */
  properties(): readonly Property[] {
    if (this.at === this.body.length) return [];
    const list = new Fields(this.take(this.varint()));
    const properties: Property[] = [];
    while (list.at < list.body.length) {
      const id = list.varint();
      properties.push({ id, value: list.propertyValue(id) });
    }
    return properties.sort((one, other) => one.id - other.id);
  }

  rest(): string {
    return this.take(this.body.length - this.at).toString('hex');
  }

  private propertyValue(id: number): string {
    const kind = PROPERTY_VALUE[id];
    if (kind === undefined) throw new RangeError(`no property has the identifier ${id}`);
    if (kind === 'varint') return String(this.varint());
    if (kind === 'field') return this.field();
    if (kind === 'pair') return `${this.field()}=${this.field()}`;
    return this.take(kind).toString('hex');
  }

  private varint(): number {
    let value = 0;
    for (let digit = 0; digit < 4; digit++) {
      const byte = this.number(1);
      value += (byte & 0x7f) * 128 ** digit;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a variable byte integer of more than four bytes');
  }

  private take(bytes: number): Buffer {
    if (this.at + bytes > this.body.length) throw new RangeError('the packet ends before its fields do');
    const taken = this.body.subarray(this.at, this.at + bytes);
    this.at += bytes;
    return taken;
  }
}
