import { InvalidArgumentError } from 'commander';

/**
 * What options take, each a parser of commander: what is wrong is said with the name of the option, and nothing is sent. The API takes the
 * same, and would refuse the rest.
 */
const LABEL_NAME = '[A-Za-z_][A-Za-z0-9_.-]{0,62}';
const NEW_LABEL = new RegExp(`^(${LABEL_NAME})=(.*)$`, 's');
const LABEL_FILTER = new RegExp(`^(${LABEL_NAME})(?:[=:](.*))?$`, 's');
const RFC_3339 = /^(\d{4}-\d\d-\d\d)T(?!24)\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;
const DAY_MS = 86_400_000;
const MAX_EVERY_DAYS = 366;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

/** An option that is given once for each of its values: one that took all that follows would take an argument for a value. */
export function each<T>(parse: (text: string) => T): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => before.concat([parse(text)]);
}

/** A whole number from 1. */
export function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const count = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN;
    if (count <= most) return count;
    throw new InvalidArgumentError(
      most === Infinity
        ? 'It must be a whole number from 1.'
        : `It must be a whole number from 1 to ${most}.`,
    );
  };
}

/** Seconds that an answer is waited for. */
export function waitOf(text: string): number {
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 60) return seconds;
  throw new InvalidArgumentError('It must be a whole number of seconds from 0 to 60.');
}

/** Seconds that a device may take. */
export function timeoutOf(text: string): number {
  const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0.1 && seconds * 1000 < 7 * DAY_MS) return seconds;
  throw new InvalidArgumentError('It must be a number of seconds from 0.1, less than 7 days.');
}

/** As the API takes it: epoch ms, or RFC 3339 with a zone. */
export function timeOf(text: string): string {
  const day = RFC_3339.exec(text)?.[1];
  const ms = /^\d{1,16}$/.test(text)
    ? Number(text)
    : day !== undefined && isDay(day)
      ? Date.parse(text.toUpperCase())
      : Number.NaN;
  if (ms <= 8.64e15) return text; // what a Date can hold
  throw new InvalidArgumentError('It must be epoch ms, or RFC 3339 with a zone: 2026-11-20T21:30:00Z.');
}

/** `10s`, `1m`, `1h`, `1d`. */
export function durationOf(text: string): string {
  const [, count = '', unit = ''] = /^([1-9]\d{0,7})([smhd])$/.exec(text) ?? [];
  if (Number(count) * (UNIT_MS[unit] ?? Number.NaN) <= MAX_EVERY_DAYS * DAY_MS) return text;
  throw new InvalidArgumentError(
    `It must be a number and s, m, h or d, such as 10s or 1h; at most ${MAX_EVERY_DAYS}d.`,
  );
}

export function paramsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It must be JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

export function httpUrlOf(text: string): string {
  if (URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be a URL, such as http://127.0.0.1:8080.');
}

/** `name=value` of a label that a device gets. */
export function labelOf(text: string): readonly [name: string, value: string] {
  const [, name, value] = NEW_LABEL.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new InvalidArgumentError('It must be name=value.');
}

/** `name=value`, or `name` alone for any value; as the API takes it, which is `name:value`. */
export function labelFilterOf(text: string): string {
  const [, name, value] = LABEL_FILTER.exec(text) ?? [];
  if (name !== undefined) return value === undefined ? name : `${name}:${value}`;
  throw new InvalidArgumentError('It must be name=value, or name.');
}

export function labelNameOf(text: string): string {
  if (new RegExp(`^${LABEL_NAME}$`).test(text)) return text;
  throw new InvalidArgumentError('It must be the name of a label.');
}

/** `Date.parse` makes 30 February the second of March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
