import type { Role } from './fixed-headers.js';
import { PacketType } from './packet.js';
import type { Properties } from './properties.js';
import { malformed, protocolError, type Objection } from './protocol-violation.js';

export type PropertyType = 'byte' | 'two byte' | 'four byte' | 'varint' | 'utf8' | 'binary' | 'pair';

/** Where a property list stands. Packets by their name; the will has a list of its own inside CONNECT. */
const PLACES = { ...PacketType, will: 0 } as const;
export type PropertyPlace = (typeof PLACES)[keyof typeof PLACES];
type Where = keyof typeof PLACES | 'publish by server' | 'disconnect by client' | 'disconnect by server';

/** One property: its id, its type on the wire, and the packets that may have it (2.2.2.2, table 2-4). */
export interface PropertyRow {
  readonly id: number;
  readonly name: keyof Properties;
  readonly type: PropertyType;
  readonly in: readonly Where[];
  /** Default: once. */
  readonly many?: true;
  /** Default: every value of the type. `topic`: a topic name, so without wildcards. */
  readonly values?: '0 or 1' | 'not 0' | 'topic';
  /** Where the standard says so. */
  readonly section: string;
  /** What the other side breaks by sending it. */
  readonly onlyBy?: string;
}

/** Acknowledgements and refusals can be explained. */
const EXPLAINABLE = [
  'connack',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'suback',
  'unsuback',
  'disconnect',
  'auth',
] as const;

/** All properties of MQTT 5: table 2-4, with the rules of each from its own section. */
// prettier-ignore
export const PROPERTY_TABLE: readonly PropertyRow[] = [
  { id: 0x01, name: 'payloadFormatIndicator', type: 'byte', in: ['publish', 'will'], values: '0 or 1', section: '3.3.2.3.2' },
  { id: 0x02, name: 'messageExpiryInterval', type: 'four byte', in: ['publish', 'will'], section: '3.3.2.3.3' },
  { id: 0x03, name: 'contentType', type: 'utf8', in: ['publish', 'will'], section: '3.3.2.3.9' },
  { id: 0x08, name: 'responseTopic', type: 'utf8', in: ['publish', 'will'], values: 'topic', section: '3.3.2.3.5' },
  { id: 0x09, name: 'correlationData', type: 'binary', in: ['publish', 'will'], section: '3.3.2.3.6' },
  { id: 0x0b, name: 'subscriptionIdentifiers', type: 'varint', in: ['publish by server'], many: true, values: 'not 0', section: '3.3.2.3.8', onlyBy: 'MQTT-3.3.4-6' },
  { id: 0x0b, name: 'subscriptionIdentifiers', type: 'varint', in: ['subscribe'], values: 'not 0', section: '3.8.2.1.2' },
  { id: 0x11, name: 'sessionExpiryInterval', type: 'four byte', in: ['connect', 'connack', 'disconnect by client'], section: '3.1.2.11.2' },
  { id: 0x12, name: 'assignedClientIdentifier', type: 'utf8', in: ['connack'], section: '3.2.2.3.7' },
  { id: 0x13, name: 'serverKeepAlive', type: 'two byte', in: ['connack'], section: '3.2.2.3.14' },
  { id: 0x15, name: 'authenticationMethod', type: 'utf8', in: ['connect', 'connack', 'auth'], section: '3.1.2.11.9' },
  { id: 0x16, name: 'authenticationData', type: 'binary', in: ['connect', 'connack', 'auth'], section: '3.1.2.11.10' },
  { id: 0x17, name: 'requestProblemInformation', type: 'byte', in: ['connect'], values: '0 or 1', section: '3.1.2.11.7' },
  { id: 0x18, name: 'willDelayInterval', type: 'four byte', in: ['will'], section: '3.1.3.2.2' },
  { id: 0x19, name: 'requestResponseInformation', type: 'byte', in: ['connect'], values: '0 or 1', section: '3.1.2.11.6' },
  { id: 0x1a, name: 'responseInformation', type: 'utf8', in: ['connack'], section: '3.2.2.3.15' },
  { id: 0x1c, name: 'serverReference', type: 'utf8', in: ['connack', 'disconnect by server'], section: '3.2.2.3.16' },
  { id: 0x1f, name: 'reasonString', type: 'utf8', in: EXPLAINABLE, section: '3.2.2.3.9' },
  { id: 0x21, name: 'receiveMaximum', type: 'two byte', in: ['connect', 'connack'], values: 'not 0', section: '3.1.2.11.3' },
  { id: 0x22, name: 'topicAliasMaximum', type: 'two byte', in: ['connect', 'connack'], section: '3.1.2.11.5' },
  { id: 0x23, name: 'topicAlias', type: 'two byte', in: ['publish'], values: 'not 0', section: '3.3.2.3.4' },
  { id: 0x24, name: 'maximumQos', type: 'byte', in: ['connack'], values: '0 or 1', section: '3.2.2.3.4' },
  { id: 0x25, name: 'retainAvailable', type: 'byte', in: ['connack'], values: '0 or 1', section: '3.2.2.3.5' },
  { id: 0x26, name: 'userProperties', type: 'pair', in: ['connect', 'will', 'publish', 'subscribe', 'unsubscribe', ...EXPLAINABLE], many: true, section: '3.1.2.11.8' },
  { id: 0x27, name: 'maximumPacketSize', type: 'four byte', in: ['connect', 'connack'], values: 'not 0', section: '3.1.2.11.4' },
  { id: 0x28, name: 'wildcardSubscriptionAvailable', type: 'byte', in: ['connack'], values: '0 or 1', section: '3.2.2.3.11' },
  { id: 0x29, name: 'subscriptionIdentifiersAvailable', type: 'byte', in: ['connack'], values: '0 or 1', section: '3.2.2.3.12' },
  { id: 0x2a, name: 'sharedSubscriptionAvailable', type: 'byte', in: ['connack'], values: '0 or 1', section: '3.2.2.3.13' },
];

/** Any row of an identifier says its name and type; beyond the end: no property of MQTT 5. */
export const ROW_OF_ID: readonly (PropertyRow | undefined)[] = Array.from({ length: 0x2b }, (_, id) =>
  PROPERTY_TABLE.find((row) => row.id === id),
);

/** The row that holds for an identifier in a place, by who sends it; undefined: it does not belong there. */
export function rowAt(sender: Role, place: PropertyPlace, id: number): PropertyRow | undefined {
  return ROWS_AT[sender][(place << 6) | id];
}

const ROWS_AT: Readonly<Record<Role, readonly (PropertyRow | undefined)[]>> = {
  client: compileRows('client'),
  server: compileRows('server'),
};

function compileRows(sender: Role): (PropertyRow | undefined)[] {
  const rows = Array.from<PropertyRow | undefined>({ length: 16 << 6 });
  for (const row of PROPERTY_TABLE) {
    for (const where of row.in) {
      const [place, by] = where.split(' by ') as [keyof typeof PLACES, Role | undefined]; // that is what Where is made of
      if (by === undefined || by === sender) rows[(PLACES[place] << 6) | row.id] = row;
    }
  }
  return rows;
}

/** The rows of a place in the order that this sender writes them: by identifier, user properties last. */
export function rowsToWrite(sender: Role, place: PropertyPlace): readonly PropertyRow[] {
  return ROWS_TO_WRITE[sender][place] as readonly PropertyRow[]; // one list for each of the 16 places
}

const ROWS_TO_WRITE: Readonly<Record<Role, readonly (readonly PropertyRow[])[]>> = {
  client: orderRows('client'),
  server: orderRows('server'),
};

function orderRows(sender: Role): readonly (readonly PropertyRow[])[] {
  return Array.from({ length: 16 }, (_, place) => {
    const rows = PROPERTY_TABLE.filter((row) => ROWS_AT[sender][(place << 6) | row.id] === row);
    return [...rows.filter((row) => row.type !== 'pair'), ...rows.filter((row) => row.type === 'pair')];
  });
}

/**
 * A property that exists, in a packet where it does not belong. 2.2.2.2 calls it malformed, 1.2 calls data that is not allowed a protocol
 * error: Mosquitto's vectors want the latter in PUBLISH, the acknowledgements and DISCONNECT, and 0x81 in SUBSCRIBE and UNSUBSCRIBE.
 */
const FOREIGN_IS_PROTOCOL_ERROR: ReadonlySet<PropertyPlace> = new Set<PropertyPlace>([
  PacketType.publish,
  PacketType.puback,
  PacketType.pubrec,
  PacketType.pubrel,
  PacketType.pubcomp,
  PacketType.disconnect,
]);

export function foreignObjection(row: PropertyRow, place: PropertyPlace): Objection {
  const reason = `${row.name} does not belong into this packet`;
  if (place === PacketType.publish && row.onlyBy !== undefined) return protocolError(row.onlyBy, reason);
  return FOREIGN_IS_PROTOCOL_ERROR.has(place)
    ? protocolError('2.2.2.2', reason)
    : malformed('2.2.2.2', reason);
}

export const twiceObjection = (row: PropertyRow): Objection =>
  protocolError(row.section, `${row.name} comes more than once`);

export const valueObjection = (row: PropertyRow): Objection =>
  protocolError(row.section, `${row.name} has a value that is not allowed`);
