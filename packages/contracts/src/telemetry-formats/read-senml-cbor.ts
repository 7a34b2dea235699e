import { isRejection, reject, type Rejection } from '../errors.js';
import { MAX_ARRAY_LENGTH, type TelemetryPayload } from '../telemetry/parse-telemetry.js';
import { cborScalar, cborValue } from './cbor-value.js';
import { senmlPack } from './senml-pack.js';
import { isLabel, type SenmlRecord } from './senml-record.js';

/** RFC 8428, section 6, table 4, which is conclusive: every other field has a text for a label. */
const LABELS = new Map<unknown, keyof SenmlRecord>([
  [-1, 'bver'],
  [-2, 'bn'],
  [-3, 'bt'],
  [-4, 'bu'],
  [-5, 'bv'],
  [-6, 'bs'],
  [0, 'n'],
  [1, 'u'],
  [2, 'v'],
  [3, 'vs'],
  [4, 'vb'],
  [5, 's'],
  [6, 't'],
  [7, 'ut'],
  [8, 'vd'],
]);

/** SenML in CBOR (RFC 8428, section 6). */
export function readSenmlCbor(payload: Uint8Array, nowMs: number): TelemetryPayload | Rejection {
  const decoded = cborValue(payload, 'texts-or-integers');
  if (isRejection(decoded)) return decoded;
  const { value } = decoded;
  if (!Array.isArray(value) || value.length > MAX_ARRAY_LENGTH) return senmlPack(value, nowMs);
  const records: unknown[] = [];
  for (const [index, item] of value.entries()) {
    const record = item instanceof Map ? labelled(item) : item;
    if (isRejection(record)) return reject(record.code, `record ${index + 1}: ${record.detail}`);
    records.push(record);
  }
  return senmlPack(records, nowMs);
}

/** The record under the labels that JSON uses. */
function labelled(record: ReadonlyMap<unknown, unknown>): Record<string, unknown> | Rejection {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of record) {
    const label = LABELS.get(cborScalar(key));
    if (label !== undefined) fields[label] = label === 'vd' ? dataValue(value) : cborScalar(value);
    else if (typeof key !== 'string') return reject('payload-shape', 'a label that RFC 8428 does not have');
    else if (isLabel(key)) return reject('payload-shape', `in CBOR the label of ${key} is a number`);
    else if (key !== '__proto__') fields[key] = null; // not understood: only its name counts
  }
  return fields;
}

/** As JSON has it, so that both representations make the same reading; anything but bytes is refused with the record. */
function dataValue(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : null;
}
