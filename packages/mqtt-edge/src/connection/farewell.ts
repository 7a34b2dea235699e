import { isReasonCodeOf } from '../codec/packet-reason-codes.js';
import { PacketType, type ConnectPacket, type Packet, type ProtocolVersion } from '../codec/packet.js';
import type { Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { explained, refusalFor } from './handshake.js';

export interface Leaving {
  /** What had come when it ended: no CONNECT, one that is not answered, or one that was accepted. */
  readonly phase: 'opened' | 'asking' | 'open';
  readonly connect: ConnectPacket | undefined;
  /** Of a CONNECT that could not be read to its end; undefined: not known. */
  readonly version: ProtocolVersion | undefined;
  readonly reasonCode: ReasonCode;
  readonly detail: string | undefined;
  readonly properties: Properties;
}

/** The last packet that a client gets: CONNACK or DISCONNECT with the reason; undefined where its version has no word for it. */
export function farewellFor(leaving: Leaving): Packet | undefined {
  const { phase, connect, version, reasonCode } = leaving;
  const properties = { ...leaving.properties, ...explained(connect, leaving.detail) };
  switch (phase) {
    case 'opened': {
      // an answer only to what is known to be MQTT 5, or what asks for a version that there is not ([MQTT-3.1.2-2])
      const isHeard = version === 5 || reasonCode === ReasonCode.unsupportedProtocolVersion;
      return isHeard ? refusalFor(version ?? 4, reasonCode, properties) : undefined;
    }
    case 'asking':
      return refusalFor(version ?? 4, inConnack(reasonCode), properties);
    case 'open':
      return version === 5 ? { type: PacketType.disconnect, reasonCode, properties } : undefined;
  }
}

/** [MQTT-3.2.2-8]: what has no place in CONNACK is told by the word that comes closest. */
function inConnack(reasonCode: ReasonCode): ReasonCode {
  if (isReasonCodeOf(PacketType.connack, reasonCode, 'server')) return reasonCode;
  return reasonCode === ReasonCode.serverShuttingDown
    ? ReasonCode.serverUnavailable
    : ReasonCode.unspecifiedError;
}
