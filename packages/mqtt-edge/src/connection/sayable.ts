import { isReasonCodeOf } from '../codec/packet-reason-codes.js';
import type { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';

/** A reason code that the server may put into a packet of `type`: this one, or what comes closest ([MQTT-3.2.2-8] and the like). */
export function sayable(
  type: PacketType,
  code: number,
  closest: ReasonCode = ReasonCode.unspecifiedError,
): ReasonCode {
  if (isReasonCodeOf(type, code, 'server')) return code;
  return code < ReasonCode.unspecifiedError ? ReasonCode.success : closest;
}
