import { asStored, groupsOf, MissingRecords, runsOf, type Wanted } from '../missing-records.js';
import type { MissingRecord, SaidRecord } from '../telemetry-store.js';
import type { InfluxQueries, Table } from './influx-queries.js';
import { fieldOf, MEASUREMENTS, type Measurement } from './line-protocol.js';
import { eventTime, mayMeet, PLACES_TRIED, readingTime } from './point-time.js';

/** Points between those that are looked for come along: with a longer gap there would be more of them, with a shorter one more statements. */
const GAP_MS = 10_000;
/** Points in one answer to one statement; where there are more, they are asked for again from the last one on. */
const PAGE = 1_000;
/** Bounds what one answer holds: a point may have 256 fields. */
const STATEMENTS = 25;

/** The points of one device in a span of time: nanoseconds, inclusive. */
interface Ask {
  readonly measurement: Measurement | 'events';
  readonly deviceId: string;
  readonly fields: readonly string[];
  readonly from: bigint;
  readonly to: bigint;
  readonly found: (time: bigint, values: ReadonlyMap<string, unknown>) => void;
}

/** Looks for a point at a nanosecond at which the store may have put the record (PointPlaces), with the values of the record. */
export async function findMissing(
  queries: InfluxQueries,
  batch: readonly SaidRecord[],
): Promise<readonly MissingRecord[]> {
  const records = new MissingRecords(batch);
  let asks = [
    ...byDevice(records.telemetry).flatMap((run) => readingAsks(run, records)),
    ...byDevice(records.event).map((run) => eventAsk(run, records)),
  ];
  while (asks.length > 0) {
    const open = asks.splice(0, STATEMENTS);
    const tables = await queries.tables(
      open.map(statementOf),
      Object.fromEntries(open.map(({ deviceId }, at) => [`device${at}`, deviceId])),
      'text',
    );
    asks = open.flatMap((ask, at) => readTable(ask, tables[at])).concat(asks);
  }
  return records.rest();
}

function byDevice<T extends { readonly deviceId: string; readonly timeMs: number }>(
  wanted: readonly T[],
): T[][] {
  return [...groupsOf(wanted, ({ deviceId }) => deviceId).values()].flatMap((own) => runsOf(own, GAP_MS));
}

function readingAsks(run: readonly Wanted<'telemetry'>[], records: MissingRecords): Ask[] {
  return MEASUREMENTS.flatMap((measurement) => {
    const fields = new Set<string>();
    for (const { record } of run)
      for (const [metric, value] of Object.entries(record.readings))
        if (MEASUREMENT_OF[typeof value] === measurement) fields.add(fieldOf(metric));
    if (fields.size === 0) return [];
    const places = placesOf(run, mayMeet, readingTime);
    const found: Ask['found'] = (time, values) => {
      for (const { index, record } of places.get(time) ?? []) {
        for (const [metric, value] of Object.entries(record.readings))
          if (values.get(fieldOf(metric)) === asStored(value)) records.foundMetric(index, metric);
      }
    };
    return [askFor(measurement, run, { fields: [...fields], times: [...places.keys()], found })];
  });
}

const MEASUREMENT_OF: Readonly<Record<string, Measurement>> = {
  number: 'telemetry',
  boolean: 'telemetry_flags',
  string: 'telemetry_texts',
};

function eventAsk(run: readonly Wanted<'event'>[], records: MissingRecords): Ask {
  const places = placesOf(run, () => true, eventTime);
  const found: Ask['found'] = (time, values) => {
    const stored = JSON.parse(String(values.get('record'))) as { id?: unknown }; // written by line-protocol.ts
    for (const { index, record } of places.get(time) ?? [])
      if (record.id === stored.id) records.foundEvent(index);
  };
  return askFor('events', run, { fields: ['record'], times: [...places.keys()], found });
}

/** Who may be at a nanosecond: where another record had the place before, the point is a few places further. An own id can be taken for there that has gone, when another one beside it has said the very same. */
function placesOf<R, T extends { readonly record: R }>(
  run: readonly T[],
  canMove: (record: R) => boolean,
  timeOf: (record: R, steps: number) => string,
): Map<bigint, T[]> {
  const places = new Map<bigint, T[]>();
  for (const wanted of run)
    for (let steps = 0; steps < (canMove(wanted.record) ? PLACES_TRIED : 1); steps++) {
      const time = BigInt(timeOf(wanted.record, steps));
      const beside = places.get(time);
      if (beside) beside.push(wanted);
      else places.set(time, [wanted]);
    }
  return places;
}

function askFor(
  measurement: Ask['measurement'],
  run: readonly { readonly deviceId: string }[],
  { fields, times, found }: Pick<Ask, 'fields' | 'found'> & { readonly times: readonly bigint[] },
): Ask {
  const [first = 0n] = times;
  const from = times.reduce((least, time) => (time < least ? time : least), first);
  const to = times.reduce((most, time) => (time > most ? time : most), first);
  return { measurement, deviceId: run[0]?.deviceId ?? '', fields, from, to, found };
}

/** A field has nothing to escape, and a time is made here; a device is no part of the text. */
function statementOf({ measurement, fields, from, to }: Ask, at: number): string {
  const names = fields.map((field) => `"${field}"`).join(', ');
  return `SELECT ${names} FROM ${measurement} WHERE device = $device${at} AND time >= ${from} AND time <= ${to} LIMIT ${PAGE}`;
}

/** What is left to ask when the page was full. */
function readTable(ask: Ask, table: Table | undefined): Ask[] {
  const { columns = [], rows = [] } = table ?? {};
  let last = 0n;
  for (const row of rows) {
    last = nanoseconds(String(row[0]));
    const values = new Map<string, unknown>();
    for (let column = 1; column < columns.length; column++)
      if (row[column] !== null) values.set(columns[column] ?? '', row[column]);
    ask.found(last, values);
  }
  return rows.length < PAGE || last === ask.to ? [] : [{ ...ask, from: last + 1n }];
}

/** `2026-11-20T21:30:00.000123456Z`; InfluxDB leaves zeros at the end away. */
function nanoseconds(text: string): bigint {
  const [, second = '', fraction = ''] = /^([^.Z]+)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  return BigInt(Date.parse(`${second}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
