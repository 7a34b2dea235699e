import { PacketType, type ConnectPacket, type Packet, type ProtocolVersion } from '../codec/packet.js';
import type { Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { fitting } from './fitting.js';
import { explained, refusalFor } from './handshake.js';
import { sayable } from './sayable.js';

export interface Leaving {
  /** What had come when it ended: no CONNECT, one that is not answered, or one that was accepted. */
  readonly phase: 'opened' | 'asking' | 'open';
  readonly connect: ConnectPacket | undefined;
  /** Of a CONNECT that could not be read to its end; undefined: not known. */
  readonly version: ProtocolVersion | undefined;
  /** The client has broken a rule. */
  readonly isBroken: boolean;
  readonly reasonCode: ReasonCode;
  readonly detail: string | undefined;
  readonly properties: Properties;
}

/** The last that a client gets: CONNACK or DISCONNECT with the reason; undefined where its version has no word for it, or it takes none so large. */
export function farewellFor(leaving: Leaving): Buffer | undefined {
  const packet = packetFor(leaving);
  return packet && fitting(packet, leaving.connect, leaving.version ?? 4);
}

function packetFor(leaving: Leaving): Packet | undefined {
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
      return version === 5
        ? { type: PacketType.disconnect, reasonCode: inDisconnect(leaving), properties }
        : undefined;
  }
}

function inConnack(reasonCode: ReasonCode): ReasonCode {
  const { serverShuttingDown, serverUnavailable, unspecifiedError } = ReasonCode;
  const closest = reasonCode === serverShuttingDown ? serverUnavailable : unspecifiedError;
  return sayable(PacketType.connack, reasonCode, closest);
}

/** [MQTT-3.1.0-2], [MQTT-3.14.2-1]: 0x84 for a second CONNECT is a word of CONNACK. */
function inDisconnect({ isBroken, reasonCode }: Leaving): ReasonCode {
  const closest = isBroken ? ReasonCode.protocolError : ReasonCode.unspecifiedError;
  return sayable(PacketType.disconnect, reasonCode, closest);
}
