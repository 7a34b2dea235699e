import { createHash } from 'node:crypto';
import { isBelievable } from '../cloud-event.js';
import { isRejection, reject, type Rejection } from '../errors.js';
import { MAX_ARRAY_LENGTH, telemetryPayload, type TelemetryPayload } from '../telemetry/parse-telemetry.js';
import type { ReadingValue } from '../telemetry/reading.js';
import { senmlMetric, senmlName } from './senml-metric.js';
import { senmlRecord, type SenmlRecord } from './senml-record.js';

/** RFC 8428, section 4.5.3: a smaller time is relative to now. */
const RELATIVE_BELOW = 2 ** 28;

/** A record with the base fields applied (RFC 8428, section 4.6). */
interface Resolved {
  readonly metric: string;
  readonly ts: number | undefined;
  /** Of those with a device's clock behind them, not of what is relative to this gateway's. */
  readonly isAbsolute: boolean;
  readonly value: ReadingValue | undefined;
  readonly sum: number | undefined;
}

/** A message in the making: the readings of one time. */
interface Moment {
  readonly ts: number | undefined;
  readonly isAbsolute: boolean;
  readonly readings: Record<string, ReadingValue>;
}

/** A SenML pack in the names of its JSON representation: what was measured at one time becomes one message. */
export function senmlPack(value: unknown, nowMs: number): TelemetryPayload | Rejection {
  if (!Array.isArray(value)) return reject('payload-shape', 'a SenML pack is an array of records');
  if (value.length === 0) return reject('payload-shape', 'a SenML pack must not be empty');
  if (value.length > MAX_ARRAY_LENGTH)
    return reject('array-too-long', `${value.length} records, at most ${MAX_ARRAY_LENGTH}`);
  const bases = new Bases(nowMs);
  const moments: Moment[] = [];
  const latest = new Map<number | undefined, Moment>();
  for (const [index, item] of value.entries()) {
    const place = `record ${index + 1}`; // counted as in RFC 8428, section 9
    const record = senmlRecord(item, place);
    if (isRejection(record)) return record;
    const resolved = bases.resolve(record, place);
    if (isRejection(resolved)) return resolved;
    for (const [metric, reading] of readingsOf(resolved)) {
      const standing = latest.get(resolved.ts);
      // the same metric again at the same time is another measurement, and no reading shall be lost
      if (standing && !(metric in standing.readings)) {
        standing.readings[metric] = reading;
        continue;
      }
      const { ts, isAbsolute } = resolved;
      const moment: Moment = { ts, isAbsolute, readings: emptyReadings() };
      moment.readings[metric] = reading;
      latest.set(ts, moment);
      moments.push(moment);
    }
  }
  // [RFC 8428, section 4.6] in chronological order
  const messages = moments
    .toSorted((a, b) => (a.ts ?? nowMs) - (b.ts ?? nowMs))
    .map((moment) => messageOf(moment, nowMs));
  return telemetryPayload(messages.length === 1 ? messages[0] : messages);
}

/** The base fields in force, and what a pack may not mix. */
class Bases {
  private name = '';
  private time = 0;
  private unit: string | undefined;
  private value = 0;
  private sum: number | undefined;
  private version: number | undefined;
  private device: string | undefined;
  private readonly units = new Map<string, string | undefined>();

  constructor(private readonly nowMs: number) {}

  resolve(record: SenmlRecord, place: string): Resolved | Rejection {
    this.take(record);
    if (record.bver !== undefined && record.bver !== (this.version ??= record.bver))
      return reject('payload-shape', `${place}: bver differs from that of a record before`);
    const name = senmlName(this.name + (record.n ?? ''));
    if (!name) return reject('metric-name', `${place}: bn and n together are not a name of SenML`);
    if (name.device !== undefined && name.device !== (this.device ??= name.device))
      return reject(
        'payload-shape',
        `${place} is of another device than a record before: a device sends its own`,
      );
    const unit = record.u ?? this.unit;
    const metric = senmlMetric(name.rest, unit);
    if (name.rest !== '' && this.isOfTwoUnits(metric, unit))
      return reject('payload-shape', `${place}: a name with two units, which are not kept, would mix them`);
    const { value, sum } = this.values(record);
    return { metric, value, sum, ...this.timeOf(record) };
  }

  private take({ bn, bt, bu, bv, bs }: SenmlRecord): void {
    if (bn !== undefined) this.name = bn;
    if (bt !== undefined) this.time = bt;
    if (bu !== undefined) this.unit = bu;
    if (bv !== undefined) this.value = bv;
    if (bs !== undefined) this.sum = bs;
  }

  private isOfTwoUnits(metric: string, unit: string | undefined): boolean {
    if (this.units.has(metric)) return this.units.get(metric) !== unit;
    this.units.set(metric, unit);
    return false;
  }

  private values({ v, vs, vb, vd, s }: SenmlRecord): Pick<Resolved, 'value' | 'sum'> {
    const value = v === undefined ? (vs ?? vb ?? vd) : this.value + v;
    const sum = s === undefined ? this.sum : (this.sum ?? 0) + s;
    return { value, sum };
  }

  private timeOf({ t = 0 }: SenmlRecord): Pick<Resolved, 'ts' | 'isAbsolute'> {
    const seconds = this.time + t;
    const isAbsolute = seconds >= RELATIVE_BELOW;
    if (seconds === 0) return { ts: undefined, isAbsolute }; // the device does not know: it is its arrival
    const ms = Math.round(seconds * 1_000);
    return { ts: isAbsolute ? ms : this.nowMs + ms, isAbsolute };
  }
}

function readingsOf({ metric, value, sum }: Resolved): [string, ReadingValue][] {
  const readings: [string, ReadingValue][] = [];
  if (value !== undefined) readings.push([metric, value]);
  if (sum !== undefined) readings.push([`${metric}.sum`, sum]);
  return readings;
}

/** Without a prototype, so that no name is one of its members. */
function emptyReadings(): Record<string, ReadingValue> {
  return Object.create(null) as Record<string, ReadingValue>; // nothing is in it yet
}

/**
 * SenML has neither `seq` nor `id`. With the device's own time the content tells a message that is sent again from a new one; a time that is
 * not believed does not, because a clock that stands still says the same about every reading.
 */
function messageOf({ ts, isAbsolute, readings }: Moment, nowMs: number): Record<string, unknown> {
  if (ts === undefined) return { readings };
  if (!isAbsolute || !isBelievable(ts, nowMs)) return { ts, readings };
  const content = createHash('sha256')
    .update(`${ts} ${JSON.stringify(readings)}`)
    .digest('base64url');
  return { ts, id: `senml-${content.slice(0, 22)}`, readings };
}
