import { PacketType, type ConnectPacket } from './packet.js';
import { fieldSize, startPacket, varintSize } from './packet-writer.js';
import { NO_PROPERTIES } from './properties.js';
import { ConnectFlag, PROTOCOLS } from './read-connect.js';
import { propertiesSize, writeProperties } from './write-properties.js';

const WILL_PLACE = 0;

/** CONNECT (3.1), in the version it names. */
export function encodeConnect(packet: ConnectPacket): Buffer {
  const { version, will, username, password, clientId } = packet;
  const name = PROTOCOLS.find((protocol) => protocol.version === version)?.name ?? 'MQTT';
  const inner = propertiesSize(packet.properties, PacketType.connect, 'client');
  const willInner = propertiesSize(will?.properties ?? NO_PROPERTIES, WILL_PLACE, 'client');
  const size =
    fieldSize(name) +
    4 +
    (version === 5 ? varintSize(inner) + inner : 0) +
    fieldSize(clientId) +
    (will === undefined ? 0 : fieldSize(will.topic) + fieldSize(will.payload)) +
    (will !== undefined && version === 5 ? varintSize(willInner) + willInner : 0) +
    (username === undefined ? 0 : fieldSize(username)) +
    (password === undefined ? 0 : fieldSize(password));
  const writer = startPacket(PacketType.connect, 0, size);
  writer.text(name);
  writer.byte(version);
  writer.byte(flagsOf(packet));
  writer.twoBytes(packet.keepAlive);
  if (version === 5) writeProperties(writer, packet.properties, PacketType.connect, 'client', inner);
  writer.text(clientId);
  if (will !== undefined) {
    if (version === 5) writeProperties(writer, will.properties, WILL_PLACE, 'client', willInner);
    writer.text(will.topic);
    writer.binary(will.payload);
  }
  if (username !== undefined) writer.text(username);
  if (password !== undefined) writer.binary(password);
  return writer.bytes;
}

function flagsOf({ clean, will, username, password }: ConnectPacket): number {
  let flags = clean ? ConnectFlag.clean : 0;
  if (will !== undefined)
    flags |= ConnectFlag.will | (will.qos << 3) | (will.retain ? ConnectFlag.willRetain : 0);
  if (password !== undefined) flags |= ConnectFlag.password;
  return username === undefined ? flags : flags | ConnectFlag.username;
}
