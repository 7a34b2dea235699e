import type { PacketType, ProtocolViolation } from './packet.js';
import { ReasonCode } from './reason-codes.js';

/**
 * What is wrong, where it says so, and the code that goes to an MQTT 5 peer.
 *
 * The standard tells 0x81 (cannot be parsed) from 0x82 (can be parsed, must not be) in most places. Where it says nothing or says both,
 * the codec answers what Mosquitto's wire vectors expect, so that clients meet one behaviour; each such place has a comment.
 */
export interface Objection {
  readonly reasonCode: ReasonCode;
  readonly clause: string;
  readonly reason: string;
}

export const malformed = (clause: string, reason: string): Objection => ({
  reasonCode: ReasonCode.malformedPacket,
  clause,
  reason,
});

export const protocolError = (clause: string, reason: string): Objection => ({
  reasonCode: ReasonCode.protocolError,
  clause,
  reason,
});

export const violationOf = (objection: Objection, packetType: PacketType | undefined): ProtocolViolation => ({
  violation: true,
  reasonCode: objection.reasonCode,
  reason: objection.reason,
  clause: objection.clause,
  packetType,
});

/** Tells what `Decoder.read` says of bytes that are no MQTT from a packet. */
export function isViolation(read: object): read is ProtocolViolation {
  return (read as Partial<ProtocolViolation>).violation === true; // the cast only asks for a member that may not be there
}
