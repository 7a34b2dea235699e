import { frame, text, variableLength } from '../mqtt-bytes.js';

export type Version = 4 | 5;

export const Type = {
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBCOMP: 7,
  SUBACK: 9,
  UNSUBACK: 11,
  PINGRESP: 13,
  DISCONNECT: 14,
} as const;

export const PINGREQ = Buffer.from([0xc0, 0]);

const NOTHING = Buffer.alloc(0);
const REASON_STRING = 0x1f;

/** Properties of MQTT 5, one by one; whoever uses them decides how often. */
export const property = {
  sessionExpiry: (seconds: number) => Buffer.concat([Buffer.from([0x11]), four(seconds)]),
  topicAlias: (alias: number) => Buffer.concat([Buffer.from([0x23]), two(alias)]),
  user: (name: string, value: string) => Buffer.concat([Buffer.from([0x26]), text(name), text(value)]),
  contentType: (value: string) => Buffer.concat([Buffer.from([0x03]), text(value)]),
} as const;

export interface ConnectFields {
  readonly version?: Version;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly clean?: boolean;
  readonly keepAliveSeconds?: number;
  readonly properties?: readonly Buffer[];
}

export function connectPacket(fields: ConnectFields): Buffer {
  const { version = 5, clientId, username, password, clean = true, keepAliveSeconds = 60 } = fields;
  const flags =
    (clean ? 0x02 : 0) | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  return frame(0x10, [
    text('MQTT'),
    Buffer.from([version, flags]),
    two(keepAliveSeconds),
    propertyList(version, fields.properties),
    text(clientId),
    ...[username, password].filter((value) => value !== undefined).map(text),
  ]);
}

export function publishPacket(message: {
  readonly version?: Version;
  readonly topic: string;
  readonly payload?: string | Buffer;
  readonly qos?: 0 | 1 | 2;
  readonly id?: number;
  readonly retain?: boolean;
  readonly properties?: readonly Buffer[];
}): Buffer {
  const { version = 5, topic, payload = '', qos = 0, id = 1, retain = false, properties } = message;
  return frame(0x30 | (qos << 1) | (retain ? 1 : 0), [
    text(topic),
    qos > 0 ? two(id) : NOTHING,
    propertyList(version, properties),
    Buffer.from(payload),
  ]);
}

export function subscribePacket(id: number, filters: readonly string[]): Buffer {
  return frame(0x82, [
    two(id),
    propertyList(5),
    ...filters.flatMap((filter) => [text(filter), Buffer.from([1])]),
  ]);
}

export function unsubscribePacket(id: number, filters: readonly string[]): Buffer {
  return frame(0xa2, [two(id), propertyList(5), ...filters.map(text)]);
}

export function pubrelPacket(id: number): Buffer {
  return frame(0x62, [two(id)]);
}

export function disconnectPacket(properties: readonly Buffer[]): Buffer {
  return frame(0xe0, [Buffer.from([0]), propertyList(5, properties)]);
}

/** A PUBLISH whose list of properties holds these bytes, whatever they are. */
export function publishWithBytes(topic: string, propertyBytes: Buffer, payload: string): Buffer {
  return frame(0x30, [text(topic), Buffer.from([propertyBytes.length]), propertyBytes, Buffer.from(payload)]);
}

/** The beginning of a packet that declares the longest body there is. */
export function endlessPacket(header: number): Buffer {
  return Buffer.from([header, 0xff, 0xff, 0xff, 0x7f]);
}

/** Of an answer, at its properties; empty where there is none, or something else before it. */
export function reasonString(properties: Buffer = Buffer.alloc(0)): string {
  const from = properties.findIndex((byte) => byte < 0x80) + 1; // behind the length
  if (properties[from] !== REASON_STRING) return '';
  return properties.subarray(from + 3, from + 3 + properties.readUInt16BE(from + 1)).toString();
}

function propertyList(version: Version, properties: readonly Buffer[] = []): Buffer {
  if (version === 4) return NOTHING;
  const bytes = Buffer.concat(properties);
  return Buffer.concat([variableLength(bytes.length), bytes]);
}

function two(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function four(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
