import type { Role } from './fixed-headers.js';
import { fieldSize, varintSize, type PacketWriter } from './packet-writer.js';
import { rowsToWrite, type PropertyPlace, type PropertyRow } from './property-table.js';
import { NO_PROPERTIES, type Properties } from './properties.js';

type Pair = readonly [name: string, value: string];

/**
 * Bytes of the properties without their length. What the table does not place in this packet of this sender is left out, so that the
 * properties of a will may be those of the PUBLISH it becomes.
 */
export function propertiesSize(properties: Properties, place: PropertyPlace, sender: Role): number {
  if (properties === NO_PROPERTIES) return 0;
  let size = 0;
  for (const row of rowsToWrite(sender, place)) {
    const value = properties[row.name];
    if (value !== undefined) size += rowSize(row, value);
  }
  return size;
}

/** The length and then the properties; `size` as measured. */
export function writeProperties(
  writer: PacketWriter,
  properties: Properties,
  place: PropertyPlace,
  sender: Role,
  size: number,
): void {
  writer.varint(size);
  if (size === 0) return;
  for (const row of rowsToWrite(sender, place)) {
    const value = properties[row.name];
    if (value !== undefined) writeRow(writer, row, value);
  }
}

// The type of a row says which type its value has; TypeScript cannot see that through the table, hence the casts.

function rowSize(row: PropertyRow, value: Properties[keyof Properties]): number {
  switch (row.type) {
    case 'byte':
      return 2;
    case 'two byte':
      return 3;
    case 'four byte':
      return 5;
    case 'varint':
      return (value as readonly number[]).reduce((size, each) => size + 1 + varintSize(each), 0);
    case 'utf8':
      return 1 + fieldSize(value as string);
    case 'binary':
      return 1 + fieldSize(value as Buffer);
    case 'pair':
      return (value as readonly Pair[]).reduce(
        (size, [name, text]) => size + 1 + fieldSize(name) + fieldSize(text),
        0,
      );
  }
}

function writeRow(writer: PacketWriter, row: PropertyRow, value: Properties[keyof Properties]): void {
  switch (row.type) {
    case 'byte':
      writer.byte(row.id);
      return writer.byte(value as number);
    case 'two byte':
      writer.byte(row.id);
      return writer.twoBytes(value as number);
    case 'four byte':
      writer.byte(row.id);
      return writer.fourBytes(value as number);
    case 'varint':
      for (const each of value as readonly number[]) {
        writer.byte(row.id);
        writer.varint(each);
      }
      return undefined;
    case 'utf8':
      writer.byte(row.id);
      return writer.text(value as string);
    case 'binary':
      writer.byte(row.id);
      return writer.binary(value as Buffer);
    case 'pair':
      for (const [name, text] of value as readonly Pair[]) {
        writer.byte(row.id);
        writer.text(name);
        writer.text(text);
      }
      return undefined;
  }
}
