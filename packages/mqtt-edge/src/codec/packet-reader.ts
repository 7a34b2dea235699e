import type { Role } from './fixed-headers.js';
import { PacketType, type ProtocolVersion } from './packet.js';
import { malformed, protocolError, type Objection } from './protocol-violation.js';
import { nameObjection } from './topics.js';
import { scanUtf8 } from './utf8.js';

const NOTHING = Buffer.alloc(0);

/** 2.2.1 gives no code; Mosquitto says 0x82. */
const zeroPacketId = (clause: string): Objection => protocolError(clause, 'packet identifier is 0');
/** The acknowledgements repeat an id, the others bring a new one. */
const REPEATED: Partial<Record<PacketType, Objection>> = {
  [PacketType.puback]: zeroPacketId('MQTT-2.2.1-5'),
  [PacketType.pubrec]: zeroPacketId('MQTT-2.2.1-5'),
  [PacketType.pubrel]: zeroPacketId('MQTT-2.2.1-5'),
  [PacketType.pubcomp]: zeroPacketId('MQTT-2.2.1-5'),
  [PacketType.suback]: zeroPacketId('MQTT-2.2.1-6'),
  [PacketType.unsuback]: zeroPacketId('MQTT-2.2.1-6'),
};
const NEW: Readonly<Record<Role, Objection>> = {
  client: zeroPacketId('MQTT-2.2.1-3'),
  server: zeroPacketId('MQTT-2.2.1-4'),
};

/**
 * Reads the fields of one packet, one after another. The first objection stays; what is read after it is nothing (0, '' or no bytes), so
 * that a reading function needs to ask only where it would loop.
 */
export class PacketReader {
  bytes: Buffer = NOTHING;
  at = 0;
  end = 0;
  firstByte = 0;
  objection: Objection | undefined;
  version: ProtocolVersion = 4;
  /** Who has written the packet. */
  readonly sender: Role;
  /** Client ids, user names, topics and filters without control characters and non-characters. */
  readonly strictStrings: boolean;

  constructor(receiver: Role, strictStrings: boolean) {
    this.sender = receiver === 'server' ? 'client' : 'server';
    this.strictStrings = strictStrings;
  }

  start(bytes: Buffer, body: number, end: number, firstByte: number): void {
    this.bytes = bytes;
    this.at = body;
    this.end = end;
    this.firstByte = firstByte;
    this.objection = undefined;
  }

  /** Lets go of the bytes, which an idle connection would otherwise keep alive. */
  release(): void {
    this.bytes = NOTHING;
  }

  object(objection: Objection): void {
    this.objection ??= objection;
    this.at = this.end; // nothing is left to read
  }

  get left(): number {
    return this.end - this.at;
  }

  byte(what: string): number {
    if (this.at + 1 > this.end) return this.truncated(what);
    return this.bytes[this.at++] as number; // inside the packet
  }

  twoBytes(what: string): number {
    const at = this.at;
    if (at + 2 > this.end) return this.truncated(what);
    this.at = at + 2;
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number); // inside the packet
  }

  fourBytes(what: string): number {
    if (this.at + 4 > this.end) return this.truncated(what);
    this.at += 4;
    return this.bytes.readUInt32BE(this.at - 4);
  }

  /** 1.5.5: at most four bytes, and no more of them than needed ([MQTT-1.5.5-1]). */
  varint(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.at >= this.end) return this.truncated(what);
      const byte = this.bytes[this.at++] as number; // inside the packet
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) {
        this.object(malformed('MQTT-1.5.5-1', `${what} is not encoded in the fewest bytes`));
        return 0;
      }
      return value;
    }
    this.object(malformed('1.5.5', `${what} has more than four bytes`));
    return 0;
  }

  /** A view. */
  binary(what: string): Buffer {
    const length = this.twoBytes(what);
    const from = this.at;
    if (from + length > this.end) this.truncated(what);
    if (this.objection !== undefined) return NOTHING;
    this.at = from + length;
    return this.bytes.subarray(from, from + length);
  }

  /** Any text: UTF-8 without U+0000. Not a byte is dropped, a U+FEFF neither ([MQTT-1.5.4-3]). */
  text(what: string): string {
    return this.string(what, false, false);
  }

  /** Text that names something: a client id, a user name, a topic filter. */
  name(what: string): string {
    return this.string(what, this.strictStrings, false);
  }

  topicName(what: string): string {
    if (this.left >= 2 && this.bytes[this.at] === 0 && this.bytes[this.at + 1] === 0) {
      this.object(malformed('MQTT-4.7.3-1', `${what} is empty`));
      return '';
    }
    return this.string(what, this.strictStrings, true);
  }

  packetId(): number {
    const id = this.twoBytes('packet identifier');
    if (id === 0 && this.objection === undefined)
      this.object(REPEATED[(this.firstByte >> 4) as PacketType] ?? NEW[this.sender]);
    return id;
  }

  private string(what: string, strict: boolean, topic: boolean): string {
    const length = this.twoBytes(what);
    const from = this.at;
    const to = from + length;
    if (to > this.end) this.truncated(what);
    if (this.objection !== undefined) return '';
    this.at = to;
    const findings = scanUtf8(this.bytes, from, to);
    const objection = findings === 0 ? undefined : nameObjection(findings, strict, what, topic);
    if (objection !== undefined) {
      this.object(objection);
      return '';
    }
    return this.bytes.toString('utf8', from, to);
  }

  truncated(what: string): 0 {
    this.object(malformed('1.5', `${what} is cut off`));
    return 0;
  }
}
