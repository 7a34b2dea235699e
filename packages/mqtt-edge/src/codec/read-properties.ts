import { NO_PROPERTIES, type Properties } from './properties.js';
import type { PacketReader } from './packet-reader.js';
import {
  foreignObjection,
  ROW_OF_ID,
  rowAt,
  twiceObjection,
  valueObjection,
  type PropertyPlace,
  type PropertyRow,
} from './property-table.js';
import { malformed, type Objection } from './protocol-violation.js';

type PropertyValue = number | string | Buffer | readonly [string, string];

/**
 * Reads a property list (2.2.2). What can be parsed but must not be there waits until the whole list is read: if it cannot be parsed,
 * that is what is reported.
 */
export function readProperties(reader: PacketReader, place: PropertyPlace): Properties {
  const length = reader.varint('property length');
  if (length === 0) return NO_PROPERTIES;
  if (length > reader.left) {
    reader.object(malformed('2.2.2.1', 'property length exceeds the packet'));
    return NO_PROPERTIES;
  }
  const packetEnd = reader.end;
  reader.end = reader.at + length;
  const properties = readRows(reader, place);
  if (reader.objection === undefined) reader.end = packetEnd;
  return properties;
}

function readRows(reader: PacketReader, place: PropertyPlace): Properties {
  const properties: Record<string, unknown> = {}; // filled by the names of the table, which are the keys of Properties
  let notAllowed: Objection | undefined;
  while (reader.left > 0) {
    const id = reader.varint('property identifier');
    if (reader.objection !== undefined) break;
    const known = ROW_OF_ID[id];
    if (known === undefined) {
      reader.object(malformed('2.2.2.2', 'property identifier is unknown'));
      break;
    }
    const value = readValue(reader, known);
    if (reader.objection !== undefined) break;
    const row = rowAt(reader.sender, place, id);
    notAllowed ??= row === undefined ? foreignObjection(known, place) : take(properties, row, value);
  }
  if (notAllowed !== undefined && reader.objection === undefined) reader.object(notAllowed);
  return properties;
}

function readValue(reader: PacketReader, row: PropertyRow): PropertyValue {
  switch (row.type) {
    case 'byte':
      return reader.byte(row.name);
    case 'two byte':
      return reader.twoBytes(row.name);
    case 'four byte':
      return reader.fourBytes(row.name);
    case 'varint':
      return reader.varint(row.name);
    case 'utf8':
      return row.values === 'topic' ? reader.topicName(row.name) : reader.text(row.name);
    case 'binary':
      return reader.binary(row.name);
    case 'pair':
      return [reader.text('user property name'), reader.text('user property value')];
  }
}

function take(
  properties: Record<string, unknown>,
  row: PropertyRow,
  value: PropertyValue,
): Objection | undefined {
  if (row.values === 'not 0' && value === 0) return valueObjection(row);
  if (row.values === '0 or 1' && value !== 0 && value !== 1) return valueObjection(row);
  const before = properties[row.name];
  const isList = row.type === 'pair' || row.type === 'varint';
  if (before === undefined) properties[row.name] = isList ? [value] : value;
  else if (row.many)
    (before as PropertyValue[]).push(value); // only lists may come more than once
  else return twiceObjection(row);
  return undefined;
}
