import type { ConnectPacket } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { Limits } from './limits.js';

export interface Objection {
  readonly reasonCode: ReasonCode;
  readonly reason: string;
}

/** What a CONNECT asks for that is not served at all. */
export function objectionTo(connect: ConnectPacket, limits: Limits): Objection | undefined {
  if (connect.properties.authenticationMethod !== undefined)
    return {
      reasonCode: ReasonCode.badAuthenticationMethod,
      reason: 'extended authentication is not served',
    };
  if (connect.will?.retain && !limits.retainAvailable) {
    const reason = 'retained messages are not served [MQTT-3.2.2-13]';
    return { reasonCode: ReasonCode.retainNotSupported, reason };
  }
  return undefined;
}
