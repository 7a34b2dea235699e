import {
  PacketType,
  type AcknowledgementPacket,
  type AuthPacket,
  type ConnackPacket,
  type DisconnectPacket,
} from './packet.js';
import { isReasonCodeOf, LAST_CONNACK_RETURN_CODE } from './packet-reason-codes.js';
import type { PacketReader } from './packet-reader.js';
import { NO_PROPERTIES, type Properties } from './properties.js';
import { malformed, protocolError } from './protocol-violation.js';
import { ReasonCode } from './reason-codes.js';
import { objectToDataWithoutMethod } from './read-connect.js';
import { readProperties } from './read-properties.js';

/** PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7): of one shape. */
export function readAcknowledgement(
  reader: PacketReader,
  type: AcknowledgementPacket['type'],
): AcknowledgementPacket {
  const packetId = reader.packetId();
  const reasonCode = readReasonCode(reader, type);
  return { type, packetId, reasonCode, properties: readLastProperties(reader, type) };
}

/** CONNACK (3.2). */
export function readConnack(reader: PacketReader): ConnackPacket {
  const flags = reader.byte('connect acknowledge flags');
  const reasonCode = reader.byte('reason code');
  if (flags > 1 && reader.version > 3) {
    // MQTT 3.1, 3.2: the byte is not used
    reader.object(malformed('MQTT-3.2.2-1', 'reserved connect acknowledge flag is set'));
  }
  const sessionPresent = flags === 1 && reader.version > 3;
  if (sessionPresent && reasonCode !== 0) {
    reader.object(protocolError('MQTT-3.2.2-6', 'session present in a refusal'));
  }
  const known =
    reader.version === 5
      ? isReasonCodeOf(PacketType.connack, reasonCode, reader.sender)
      : reasonCode <= LAST_CONNACK_RETURN_CODE;
  if (!known) reader.object(protocolError('MQTT-3.2.2-8', 'reason code does not belong into CONNACK'));
  const properties = reader.version === 5 ? readProperties(reader, PacketType.connack) : NO_PROPERTIES;
  objectToDataWithoutMethod(reader, properties);
  return { type: PacketType.connack, sessionPresent, reasonCode, properties };
}

/** DISCONNECT (3.14). */
export function readDisconnect(reader: PacketReader): DisconnectPacket {
  const reasonCode = readReasonCode(reader, PacketType.disconnect);
  return {
    type: PacketType.disconnect,
    reasonCode,
    properties: readLastProperties(reader, PacketType.disconnect),
  };
}

/** AUTH (3.15). */
export function readAuth(reader: PacketReader): AuthPacket {
  const short = reader.left === 0; // 3.15.2.1: success without properties, so without the method that 3.15.2.2.2 demands
  const reasonCode = readReasonCode(reader, PacketType.auth);
  const properties = readLastProperties(reader, PacketType.auth);
  objectToDataWithoutMethod(reader, properties);
  if (!short && properties.authenticationMethod === undefined) {
    reader.object(protocolError('3.15.2.2.2', 'AUTH without an authentication method'));
  }
  return { type: PacketType.auth, reasonCode, properties };
}

/** May be left out together with everything after it, and then is success (3.4.2.1, 3.14.2.1, 3.15.2.1). */
function readReasonCode(reader: PacketReader, type: PacketType): ReasonCode {
  const explicit = reader.version === 5 && reader.left > 0;
  const code = explicit ? reader.byte('reason code') : ReasonCode.success;
  if (reader.version < 5 || reader.objection !== undefined) return ReasonCode.success;
  if (isReasonCodeOf(type, code, reader.sender)) return code;
  reader.object(
    protocolError(REASON_CODE_CLAUSES[type] ?? '2.4', 'reason code does not belong into this packet'),
  );
  return ReasonCode.success;
}

const REASON_CODE_CLAUSES: Partial<Record<PacketType, string>> = {
  [PacketType.puback]: 'MQTT-3.4.2-1',
  [PacketType.pubrec]: 'MQTT-3.5.2-1',
  [PacketType.pubrel]: 'MQTT-3.6.2-1',
  [PacketType.pubcomp]: 'MQTT-3.7.2-1',
  [PacketType.disconnect]: 'MQTT-3.14.2-1',
  [PacketType.auth]: 'MQTT-3.15.2-1',
};

/** A property list at the end of a packet may be left out when it is empty. */
function readLastProperties(reader: PacketReader, type: PacketType): Properties {
  return reader.version < 5 || reader.left === 0 ? NO_PROPERTIES : readProperties(reader, type);
}
