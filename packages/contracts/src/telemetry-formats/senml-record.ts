import { reject, type Rejection } from '../errors.js';
import { isObject } from '../parse-json.js';

/** The fields of RFC 8428, section 4.1 to 4.3, as JSON names them; `vd` is base64url in both representations here. */
export interface SenmlRecord {
  readonly bn?: string;
  readonly bt?: number;
  readonly bu?: string;
  readonly bv?: number;
  readonly bs?: number;
  readonly bver?: number;
  readonly n?: string;
  readonly u?: string;
  readonly v?: number;
  readonly vs?: string;
  readonly vb?: boolean;
  readonly vd?: string;
  readonly s?: number;
  readonly t?: number;
  readonly ut?: number;
}

const TYPES = {
  bn: 'string',
  bt: 'number',
  bu: 'string',
  bv: 'number',
  bs: 'number',
  bver: 'number',
  n: 'string',
  u: 'string',
  v: 'number',
  vs: 'string',
  vb: 'boolean',
  vd: 'string',
  s: 'number',
  t: 'number',
  ut: 'number',
} as const satisfies Record<keyof SenmlRecord, string>;

/** RFC 8428, section 4.4: what this product understands. */
const VERSION = 10;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** One record of a pack, checked field by field; unknown fields are ignored unless their name says that they must not be. */
export function senmlRecord(value: unknown, place: string): SenmlRecord | Rejection {
  if (!isObject(value)) return reject('payload-shape', `${place} is not an object`);
  for (const label of Object.keys(value)) {
    const fault = isLabel(label) ? fieldFault(label, value[label]) : unknownFault(label);
    if (fault) return reject(fault.code, `${place}: ${fault.detail}`);
  }
  const record = value as SenmlRecord; // every field has just been checked
  const fault = recordFault(record);
  return fault === undefined ? record : reject('payload-shape', `${place}: ${fault}`);
}

export function isLabel(text: string): text is keyof SenmlRecord {
  return Object.hasOwn(TYPES, text);
}

function fieldFault(label: keyof SenmlRecord, value: unknown): Rejection | undefined {
  if (typeof value !== TYPES[label]) return reject('payload-shape', `${label} must be a ${TYPES[label]}`);
  return typeof value === 'number' && !Number.isFinite(value)
    ? reject('value-not-finite', `${label} is not a finite number`)
    : undefined;
}

/** [RFC 8428, section 4.4] A field whose name ends in `_` changes the meaning of the others. */
function unknownFault(label: string): Rejection | undefined {
  return label.endsWith('_')
    ? reject('payload-shape', 'a field that must be understood (its name ends in _) is not')
    : undefined;
}

function recordFault({ bver = VERSION, v, vs, vb, vd, s }: SenmlRecord): string | undefined {
  if (!Number.isInteger(bver) || bver < 1) return 'bver must be a whole number from 1';
  if (bver > VERSION) return `bver is above ${VERSION}`;
  let values = 0;
  for (const value of [v, vs, vb, vd]) if (value !== undefined) values += 1;
  if (values > 1) return 'more than one of v, vs, vb and vd';
  if (values === 0 && s === undefined) return 'none of v, vs, vb, vd and s';
  if (vd !== undefined && (!BASE64URL.test(vd) || vd.length % 4 === 1))
    return 'vd must be base64url without padding';
  return undefined;
}
