import { isUtf8 } from 'node:buffer';

import type { ConnectPacket, Message, ProtocolVersion, Qos } from './packet.js';
import { PacketType } from './packet.js';
import type { PacketReader } from './packet-reader.js';
import { NO_PROPERTIES, type Properties } from './properties.js';
import { malformed, protocolError, type Objection } from './protocol-violation.js';
import { ReasonCode } from './reason-codes.js';
import { readProperties } from './read-properties.js';

/** The bits of the Connect Flags (3.1.2.3). */
export const ConnectFlag = {
  reserved: 0x01,
  clean: 0x02,
  will: 0x04,
  willQos: 0x18,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
} as const;

/** The first two fields of CONNECT (3.1.2.1, 3.1.2.2), the only ones that are read before it is known how to read. */
export const PROTOCOLS: readonly { readonly name: string; readonly version: ProtocolVersion }[] = [
  { name: 'MQIsdp', version: 3 },
  { name: 'MQTT', version: 4 },
  { name: 'MQTT', version: 5 },
];

/** Of protocol name and version together, as MQTT 3.1.1 and 5 have them. */
export const PROTOCOL_BYTES = 7;

/** The version in a CONNECT that is not read; undefined: not known. `at` is where its protocol name is, of which `PROTOCOL_BYTES` are there. */
export function peekVersion(bytes: Buffer, at: number): ProtocolVersion | undefined {
  const name = bytes.toString('latin1', at, at + PROTOCOL_BYTES - 1);
  const level = bytes[at + PROTOCOL_BYTES - 1];
  return name === '\0\x04MQTT'
    ? PROTOCOLS.find(({ name: its, version }) => its === 'MQTT' && version === level)?.version
    : undefined;
}

/** Reads protocol name and version. The rest depends on it, so does the answer to a CONNECT that goes wrong later. */
export function readProtocol(reader: PacketReader): ProtocolVersion | undefined {
  const name = reader.text('protocol name');
  const level = reader.byte('protocol version');
  if (reader.objection !== undefined) return undefined;
  if (!PROTOCOLS.some((protocol) => protocol.name === name)) {
    // [MQTT-3.1.2-1] an answer is optional; whoever speaks another protocol would not understand it
    reader.object(protocolError('MQTT-3.1.2-1', 'protocol name is not MQTT'));
    return undefined;
  }
  const protocol = PROTOCOLS.find((known) => known.name === name && known.version === level);
  if (protocol !== undefined) return protocol.version;
  reader.object({
    reasonCode: ReasonCode.unsupportedProtocolVersion,
    clause: 'MQTT-3.1.2-2',
    reason: `protocol version ${level} is not supported`,
  });
  return undefined;
}

/** CONNECT (3.1) after its protocol version, which the reader has by now. */
export function readConnect(reader: PacketReader, checkPayloadFormat: boolean): ConnectPacket {
  const { version } = reader;
  const flags = reader.byte('connect flags');
  const objection = headerObjection(reader.firstByte, version) ?? flagsObjection(flags, version);
  if (objection !== undefined) reader.object(objection);
  const keepAlive = reader.twoBytes('keep alive');
  const properties = version === 5 ? readProperties(reader, PacketType.connect) : NO_PROPERTIES;
  objectToDataWithoutMethod(reader, properties);
  const clientId = reader.name('client identifier');
  const will = flags & ConnectFlag.will ? readWill(reader, flags, checkPayloadFormat) : undefined;
  const username = hasField(reader, flags & ConnectFlag.username) ? reader.name('user name') : undefined;
  const password = hasField(reader, flags & ConnectFlag.password) ? reader.binary('password') : undefined;
  return {
    type: PacketType.connect,
    version,
    clean: (flags & ConnectFlag.clean) !== 0,
    keepAlive,
    clientId,
    will,
    username,
    password,
    properties,
  };
}

function headerObjection(firstByte: number, version: ProtocolVersion): Objection | undefined {
  if (version === 3 || (firstByte & 0x0f) === 0) return undefined; // MQTT 3.1, 3.1: the flags are not used
  return malformed('MQTT-2.1.3-1', 'reserved bits of the fixed header are set');
}

function flagsObjection(flags: number, version: ProtocolVersion): Objection | undefined {
  const willQos = (flags & ConnectFlag.willQos) >> 3;
  const hasWill = (flags & ConnectFlag.will) !== 0;
  if (hasWill && willQos === 3) return malformed('MQTT-3.1.2-12', 'QoS of the will is 3');
  if (version < 5 && flags & ConnectFlag.password && !(flags & ConnectFlag.username)) {
    return malformed('3.1.2.9', 'a password without a user name'); // MQTT 5 allows it
  }
  if (version === 3) return undefined; // bit 0 is not used, and without a will its bits are disregarded
  if (flags & ConnectFlag.reserved) return malformed('MQTT-3.1.2-3', 'reserved connect flag is set');
  if (hasWill) return undefined;
  if (willQos !== 0) return malformed('MQTT-3.1.2-11', 'QoS of a will without a will');
  return flags & ConnectFlag.willRetain
    ? malformed('MQTT-3.1.2-13', 'a retained will without a will')
    : undefined;
}

/** MQTT 3.1, 3.1: a flag may announce a user name or a password that the packet then does not have. */
function hasField(reader: PacketReader, flag: number): boolean {
  return flag !== 0 && !(reader.version === 3 && reader.left === 0 && reader.objection === undefined);
}

function readWill(reader: PacketReader, flags: number, checkPayloadFormat: boolean): Message {
  const properties = reader.version === 5 ? readProperties(reader, 0) : NO_PROPERTIES; // 0: the place of will properties
  const topic = reader.topicName('will topic');
  const payload = reader.binary('will payload');
  if (checkPayloadFormat && properties.payloadFormatIndicator === 1 && !isUtf8(payload)) {
    reader.object({
      reasonCode: ReasonCode.payloadFormatInvalid,
      clause: '3.1.3.2.3',
      reason: 'will payload is not UTF-8',
    });
  }
  return {
    topic,
    payload,
    qos: ((flags & ConnectFlag.willQos) >> 3) as Qos, // 3 has been objected to
    retain: (flags & ConnectFlag.willRetain) !== 0,
    properties,
  };
}

/** 3.1.2.11.10, the same in CONNACK and AUTH. */
export function objectToDataWithoutMethod(reader: PacketReader, properties: Properties): void {
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    reader.object(protocolError('3.1.2.11.10', 'authentication data without an authentication method'));
  }
}
