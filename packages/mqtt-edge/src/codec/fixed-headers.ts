import { PacketType, type ProtocolVersion } from './packet.js';
import { malformed, protocolError, type Objection } from './protocol-violation.js';

/** Who reads: a server reads what clients send. */
export type Role = 'server' | 'client';

interface FixedHeader {
  readonly type: PacketType;
  /** Tables 2-1 and 2-2: what the four low bits must be; a list where more than one value may come. */
  readonly flags: number | readonly number[];
  readonly sentBy: Role | 'both';
  /** The first version that has the packet, for each direction that came later than the packet. */
  readonly since?: ProtocolVersion;
  /**
   * A packet of the wrong direction with wrong flags breaks two rules. `direction` first is 0x82, `flags` first is 0x81: the standard
   * does not order them, Mosquitto's vectors do, packet by packet.
   */
  readonly judge?: 'direction first';
}

/** DUP, QoS and RETAIN of PUBLISH: [MQTT-3.3.1-4] QoS 3 does not exist, [MQTT-3.3.1-2] no DUP with QoS 0. */
const PUBLISH_FLAGS = [0b0000, 0b0001, 0b0010, 0b0011, 0b0100, 0b0101, 0b1010, 0b1011, 0b1100, 0b1101];

/** Flags of CONNECT are judged with its version: MQTT 3.1 says they are not used, later versions that they are reserved. */
const ANY_FLAGS = Array.from({ length: 16 }, (_, flags) => flags);

export const FIXED_HEADERS: readonly FixedHeader[] = [
  { type: PacketType.connect, flags: ANY_FLAGS, sentBy: 'client' },
  { type: PacketType.connack, flags: 0b0000, sentBy: 'server', judge: 'direction first' },
  { type: PacketType.publish, flags: PUBLISH_FLAGS, sentBy: 'both' },
  { type: PacketType.puback, flags: 0b0000, sentBy: 'both' },
  { type: PacketType.pubrec, flags: 0b0000, sentBy: 'both' },
  { type: PacketType.pubrel, flags: 0b0010, sentBy: 'both' },
  { type: PacketType.pubcomp, flags: 0b0000, sentBy: 'both' },
  { type: PacketType.subscribe, flags: 0b0010, sentBy: 'client' },
  { type: PacketType.suback, flags: 0b0000, sentBy: 'server' },
  { type: PacketType.unsubscribe, flags: 0b0010, sentBy: 'client' },
  { type: PacketType.unsuback, flags: 0b0000, sentBy: 'server' },
  { type: PacketType.pingreq, flags: 0b0000, sentBy: 'client' },
  { type: PacketType.pingresp, flags: 0b0000, sentBy: 'server', judge: 'direction first' },
  { type: PacketType.disconnect, flags: 0b0000, sentBy: 'both' }, // by a server: since MQTT 5
  { type: PacketType.auth, flags: 0b0000, sentBy: 'both', since: 5, judge: 'direction first' },
];

/** MQTT 3.1 sets DUP when it sends one of these again (3.1, 3.6, 3.8 and 3.10). */
const REPEATABLE_IN_31: ReadonlySet<PacketType> = new Set<PacketType>([
  PacketType.pubrel,
  PacketType.subscribe,
  PacketType.unsubscribe,
]);
const DUP = 0b1000;
const QOS = 0b0110;

/** What a first byte may be accused of, by verdict; verdict 0 is "go on". */
export const FIRST_BYTE_OBJECTIONS: readonly (Objection | undefined)[] = [
  undefined,
  malformed('MQTT-2.1.3-1', 'reserved bits of the fixed header are set'),
  malformed('MQTT-3.3.1-4', 'a PUBLISH with QoS 3'),
  malformed('MQTT-3.3.1-2', 'a PUBLISH with DUP and QoS 0'),
  protocolError('2.1.2', 'a packet that this side must not receive'),
  protocolError('2.1.2', 'packet type is reserved'),
  protocolError('MQTT-3.1.0-1', 'the first packet is not CONNECT'),
];
const Verdict = { fine: 0, flags: 1, qos: 2, dup: 3, direction: 4, reserved: 5, notConnect: 6 } as const;

/** One verdict for each first byte. */
export type FirstByteVerdicts = Uint8Array;

/**
 * `authentication`: false once a client has connected without an authentication method. [MQTT-4.12.0-7] no AUTH then, whatever is in it.
 */
export function firstByteVerdicts(
  role: Role,
  version: ProtocolVersion,
  authentication: boolean,
): FirstByteVerdicts {
  const verdicts = new Uint8Array(256).fill(Verdict.reserved);
  for (const header of FIXED_HEADERS) {
    if (version < (header.since ?? 3)) continue;
    const foreign = header.sentBy === role || isForeignYet(header.type, role, version, authentication);
    for (let flags = 0; flags < 16; flags++) {
      verdicts[(header.type << 4) | flags] = judge(header, flags, foreign, version);
    }
  }
  return verdicts;
}

function isForeignYet(
  type: PacketType,
  role: Role,
  version: ProtocolVersion,
  authentication: boolean,
): boolean {
  if (type === PacketType.disconnect) return role === 'client' && version < 5;
  return type === PacketType.auth && !authentication;
}

function judge(header: FixedHeader, flags: number, foreign: boolean, version: ProtocolVersion): number {
  if (foreign && header.judge === 'direction first') return Verdict.direction;
  const allowed = typeof header.flags === 'number' ? [header.flags] : header.flags;
  const repeated = version === 3 && REPEATABLE_IN_31.has(header.type);
  if (!allowed.includes(repeated ? flags & ~DUP : flags)) {
    if (header.type !== PacketType.publish) return Verdict.flags;
    return (flags & QOS) === QOS ? Verdict.qos : Verdict.dup;
  }
  return foreign ? Verdict.direction : Verdict.fine;
}

/** What a server makes of the first packet, when no version has been said yet. */
export const BEFORE_CONNECT: FirstByteVerdicts = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >> 4 === PacketType.connect ? Verdict.fine : Verdict.notConnect,
);
