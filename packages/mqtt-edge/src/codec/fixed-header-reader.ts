import {
  BEFORE_CONNECT,
  FIRST_BYTE_OBJECTIONS,
  firstByteVerdicts,
  type FirstByteVerdicts,
  type Role,
} from './fixed-headers.js';
import { PacketType, type ProtocolVersion } from './packet.js';
import { malformed, type Objection } from './protocol-violation.js';
import { peekVersion, PROTOCOL_BYTES } from './read-connect.js';
import { ReasonCode } from './reason-codes.js';

/** Judges fixed headers (2.1), each byte as it comes: what must not be, or is too large, is refused before anything of it is gathered. */
export class FixedHeaderReader {
  /** Bytes of the header that was read last. */
  length = 0;
  /** What is wrong with it; undefined: nothing is. */
  objection: Objection | undefined;
  /** Of the packet that is objected to, where the objection is not to its first byte or its length field. */
  packetType: PacketType | undefined;
  /** The version of CONNECT; known also when the rest of that CONNECT is a violation, so that it can be answered. */
  version: ProtocolVersion | undefined;
  private verdicts: FirstByteVerdicts = BEFORE_CONNECT;

  constructor(
    private readonly role: Role,
    public maximumPacketSize: number,
  ) {}

  get awaitsConnect(): boolean {
    return this.verdicts === BEFORE_CONNECT;
  }

  agree(version: ProtocolVersion, authentication: boolean): void {
    this.version = version;
    this.verdicts = verdictsOf(this.role, version, authentication);
  }

  /** Reads a header as far as it is there. The length of its packet; 0: not known yet, or objected to. */
  packetLength(bytes: Buffer, from: number, end: number): number {
    const firstByte = bytes[from] as number; // from < end
    const verdict = this.verdicts[firstByte] as number; // one for each byte
    if (verdict !== 0) return this.object(FIRST_BYTE_OBJECTIONS[verdict] as Objection); // one for each verdict but 0
    let remaining = 0;
    for (let index = 1; index < 5; index++) {
      if (from + index >= end) return 0;
      const byte = bytes[from + index] as number; // before the end
      remaining |= (byte & 0x7f) << (7 * (index - 1));
      if (byte >= 0x80) continue;
      if (byte === 0 && index > 1)
        return this.object(malformed('MQTT-1.5.5-1', 'remaining length is not encoded in the fewest bytes'));
      this.length = 1 + index;
      const length = 1 + index + remaining;
      return length <= this.maximumPacketSize ? length : this.tooLarge(bytes, from, end, length);
    }
    return this.object(malformed('2.1.4', 'remaining length has more than four bytes'));
  }

  private tooLarge(bytes: Buffer, from: number, end: number, length: number): 0 {
    const type = ((bytes[from] as number) >> 4) as PacketType; // judged before
    const isFirst = this.awaitsConnect;
    const body = from + this.length;
    if (isFirst && this.length + PROTOCOL_BYTES <= length) {
      if (body + PROTOCOL_BYTES > end) return 0; // a few bytes more say whether it can be told
      this.version = peekVersion(bytes, body);
    }
    const by = this.role === 'server' ? 'MQTT-3.2.2-15' : 'MQTT-3.1.2-24';
    const clause = isFirst ? '3.2.2.2' : by;
    const what = type === PacketType.connect ? 'CONNECT' : 'packet';
    const reason = `${what} of ${length} bytes is larger than ${this.maximumPacketSize}`;
    return this.object({ reasonCode: ReasonCode.packetTooLarge, clause, reason }, type);
  }

  private object(objection: Objection, packetType?: PacketType): 0 {
    this.objection = objection;
    this.packetType = packetType;
    return 0;
  }
}

const compiled = new Map<string, FirstByteVerdicts>();

/** Twelve tables at most, shared by all connections. */
function verdictsOf(role: Role, version: ProtocolVersion, authentication: boolean): FirstByteVerdicts {
  const key = `${role} ${version} ${authentication}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const verdicts = firstByteVerdicts(role, version, authentication);
  compiled.set(key, verdicts);
  return verdicts;
}
