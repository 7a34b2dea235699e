import type { AlertStep, Command, EventRecord, TelemetryRecord } from '@fieldgate/contracts';
import { idHash } from '../identity.js';
import type { StoreRecord } from '../telemetry-store.js';
import { eventTime, pointTime, readingTime } from './point-time.js';

/** Numbers (always float), booleans and texts apart: a field of InfluxDB never changes its type, a device's metric may. */
export const MEASUREMENTS = ['telemetry', 'telemetry_flags', 'telemetry_texts'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** Values of the tag by which a command is found from its id; bounded, unlike the ids. */
const ID_BUCKETS = 256;

export interface Lines {
  readonly text: string;
  readonly points: number;
}

/**
 * One record as points in line protocol, https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 * `steps`: how many places further its points are because others have theirs (see PointPlaces).
 */
export function linesOf(entry: StoreRecord, steps = 0): Lines {
  switch (entry.kind) {
    case 'telemetry':
      return telemetryLines(entry.record, steps);
    case 'event':
      return { text: eventLine(entry.record, steps), points: 1 };
    case 'command':
      return { text: commandLines(entry.record), points: 2 };
    case 'alert':
      return { text: alertLine(entry.record), points: 1 };
  }
}

/** The millisecond in which its points are. */
export function timeMsOf(entry: StoreRecord): number {
  switch (entry.kind) {
    case 'telemetry':
    case 'event':
      return entry.record.timeMs;
    case 'command':
      return entry.record.requestedAt;
    case 'alert':
      return entry.record.alert.raisedAt;
  }
}

function telemetryLines(record: TelemetryRecord, steps: number): Lines {
  let numbers = '';
  let flags = '';
  let texts = '';
  const { readings } = record;
  for (const metric of Object.keys(readings)) {
    const value = readings[metric];
    const field = fieldOf(metric);
    if (typeof value === 'number') numbers += `,${field}=${Object.is(value, -0) ? '-0' : value}`;
    else if (typeof value === 'boolean') flags += `,${field}=${value}`;
    else texts += `,${field}=${quoted(String(value))}`;
  }
  const { deviceId } = record; // a device id needs no escaping: storable.ts
  const time = readingTime(record, steps);
  let text = '';
  let points = 0;
  const add = (measurement: Measurement, fields: string): void => {
    if (fields === '') return;
    text += `${measurement},device=${deviceId} ${fields.slice(1)} ${time}\n`;
    points++;
  };
  add('telemetry', numbers);
  add('telemetry_flags', flags);
  add('telemetry_texts', texts);
  return { text, points };
}

function eventLine(event: EventRecord, steps: number): string {
  const time = eventTime(event, steps);
  return `events,device=${event.deviceId} event=${quoted(event.event)},state=${quoted(event.state)},severity=${quoted(event.severity)},record=${quoted(JSON.stringify(event))} ${time}\n`;
}

/** The command, and where to find it by its id. */
function commandLines(command: Command): string {
  const time = pointTime(command.requestedAt, idHash(command.id));
  const id = quoted(command.id);
  return (
    `commands,device=${command.deviceId} id=${id},state=${quoted(command.state)},record=${quoted(JSON.stringify(command))} ${time}\n` +
    `command_ids,bucket=${idBucket(command.id)} id=${id},of=${quoted(command.deviceId)},requested=${command.requestedAt}i ${time}\n`
  );
}

/**
 * All steps of an alert are one point, in a field each: InfluxDB merges the fields of points of the same tags and time, and so no step can undo
 * another. Severity is no tag: it may change, and the point would be two. The other fields are for dashboards, which show them as they are.
 */
function alertLine(entry: AlertStep): string {
  const { step, alert } = entry;
  const { id, deviceId, rule, kind, metric, severity, text, since, raisedAt, clearedAt, peak } = alert;
  const kept = step === 'acknowledged' ? { alert, acknowledgement: entry.acknowledgement } : alert;
  const fields = [
    `${step}=${quoted(JSON.stringify(kept))}`,
    `id=${quoted(id)},kind=${quoted(kind)},raisedAt=${raisedAt}i`,
    `text=${quoted(text)},severity=${quoted(severity)},since=${since}i`,
    ...(metric === undefined ? [] : [`metric=${quoted(metric)}`]),
    ...(peak === undefined ? [] : [`peak=${peak}`]),
    ...(clearedAt === undefined ? [] : [`clearedAt=${clearedAt}i`]),
    ...(step === 'acknowledged' ? [`acknowledgedAt=${entry.acknowledgement.at}i`] : []),
  ];
  return `alerts,device=${deviceId},rule=${rule} ${fields.join(',')} ${pointTime(raisedAt, 0)}\n`;
}

export function idBucket(commandId: string): string {
  return String(idHash(commandId) % ID_BUCKETS);
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * The field of a metric. A field `time` is dropped by InfluxDB without a word, and a field `device` hides the tag from every query of every
 * device: these two names, and what they could be mistaken for, get a `_` more.
 */
export function fieldOf(metric: string): string {
  return RESERVED.test(metric) ? `${metric}_` : metric;
}

export function metricOf(field: string): string {
  return field.endsWith('_') && RESERVED.test(field) ? field.slice(0, -1) : field;
}

const RESERVED = /^(?:time|device)_*$/;
