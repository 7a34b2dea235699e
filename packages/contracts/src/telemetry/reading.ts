import { reject, type Rejection } from '../errors.js';

/** Finite numbers, booleans, texts up to 1,024 bytes; nested objects are flattened with dots. */
export type ReadingValue = number | boolean | string;
export type Readings = Readonly<Record<string, ReadingValue>>;

export const MAX_METRICS = 256;
export const MAX_TEXT_BYTES = 1024;
/** `METRIC_NAME` for people. */
const METRIC_NAME_RULE = 'a letter or _, then up to 63 letters, digits or _ . : -';
const METRIC_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/;

const knownNames = new Set<string>();
const MAX_KNOWN_NAMES = 10_000;

/**
 * `__proto__` as a key would be taken for the prototype of whoever copies the readings, also by those who unfold the dots again. The same
 * few names come all day: a set is looked up faster than the expression is run.
 */
export function isMetricName(name: string): boolean {
  if (knownNames.has(name)) return true;
  if (!METRIC_NAME.test(name) || name.includes('__proto__')) return false;
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.add(name);
  return true;
}

/** What the sender of a name that is not one is told. */
export function wrongMetricName(name: string): string {
  const why = METRIC_NAME.test(name) ? '__proto__ may not stand in one' : METRIC_NAME_RULE;
  return `"${printable(name)}" is not a metric name: ${why}`;
}

/** Why a value of JSON is no reading; undefined when it is one. */
export function wrongValue(name: string, value: unknown): Rejection | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value)
      ? undefined
      : reject('value-not-finite', `"${printable(name)}" is not a finite number`);
  }
  if (typeof value === 'boolean') return undefined;
  if (typeof value !== 'string')
    return reject('value-type', `"${printable(name)}" is neither a number, a boolean nor a text`);
  return value.length * 3 <= MAX_TEXT_BYTES || Buffer.byteLength(value) <= MAX_TEXT_BYTES
    ? undefined
    : reject('text-too-long', `"${printable(name)}" is longer than ${MAX_TEXT_BYTES} bytes`);
}

/** What is wrong with the readings of a record; undefined: nothing. */
export function wrongReading(readings: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of Object.keys(readings)) {
    if (!isMetricName(name)) return `"${printable(name)}" is not a metric name`;
    const wrong = wrongValue(name, readings[name]);
    if (wrong) return wrong.detail;
  }
  return undefined;
}

/** Names come from strangers and end up in terminals and logs. */
export function printable(text: string): string {
  return text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}
