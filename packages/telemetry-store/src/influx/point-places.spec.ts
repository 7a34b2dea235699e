import { beforeEach, describe, expect, it } from '@jest/globals';
import { event, T0, telemetry } from '../testing/records.js';
import type { StoreRecord } from '../telemetry-store.js';
import { linesOf } from './line-protocol.js';
import { PointPlaces } from './point-places.js';
import { eventTime, readingTime } from './point-time.js';

let places: PointPlaces;
beforeEach(() => {
  places = new PointPlaces();
});

const reading = (id: string, more: { deviceId?: string; timeMs?: number; seq?: number } = {}) =>
  telemetry(more.deviceId ?? 'pump', { t: 1 }, { id, ...more });

function timeOf(entry: StoreRecord): string {
  const place = places.placeOf(entry);
  if (typeof place === 'string') return place;
  return linesOf(entry, place).text.trim().split(' ').at(-1) ?? '';
}

/** Ids of one device and millisecond that lead to one place, found by trying. */
function meeting(count: number, timeOfId: (id: string) => string): string[] {
  const byTime = new Map<string, string[]>();
  for (let number = 0; ; number++) {
    const id = `own-${number}`;
    const time = timeOfId(id);
    const ids = byTime.get(time) ?? [];
    ids.push(id);
    byTime.set(time, ids);
    if (ids.length === count) return ids;
  }
}

const readingPlace = (id: string) => readingTime({ id, timeMs: T0 });

describe('the places of points', () => {
  it('keeps apart two ids whose hashes meet, in one batch or not, and finds both again', () => {
    const [first = '', second = '', third = ''] = meeting(3, readingPlace);
    expect(readingPlace(first)).toBe(readingPlace(second));
    const times = [first, second, third].map((id) => timeOf(reading(id)));
    expect(new Set(times).size).toBe(3);
    expect(times.every((time) => time.startsWith(`${T0}`) && time.length === 19)).toBe(true);
    expect([first, second, third].map((id) => timeOf(reading(id)))).toEqual(times); // the log delivers again
    expect(timeOf(reading(third))).toBe(times[2]);
  });

  it('finds the places again that it is told of after a restart, and takes none that was taken', () => {
    const [first = '', second = '', third = ''] = meeting(3, readingPlace);
    const before = [first, second, third].map((id) => timeOf(reading(id)));
    places = new PointPlaces();
    for (const id of [first, second]) places.recall('telemetry', { deviceId: 'pump', id, timeMs: T0 });
    places.recall('telemetry', { deviceId: 'pump', id: `${T0}-7`, timeMs: T0 });
    expect([second, third, first].map((id) => timeOf(reading(id)))).toEqual([
      before[1],
      before[2],
      before[0],
    ]);
  });

  it('does not move what only looks alike: another device, another millisecond, an event', () => {
    const [first = '', second = ''] = meeting(2, readingPlace);
    const own = timeOf(reading(first));
    expect(timeOf(reading(second, { deviceId: 'fan' }))).toBe(own);
    expect(timeOf(reading(second, { timeMs: T0 + 1 }))).toBe(`${T0 + 1}${own.slice(-6)}`);
    expect(places.placeOf(event('pump', { id: second }))).toBe(0);
  });

  it('keeps apart two events whose hashes meet', () => {
    const [first = '', second = ''] = meeting(2, (id) => eventTime(event('pump', { id }).record));
    expect(timeOf(event('pump', { id: second }))).not.toBe(timeOf(event('pump', { id: first })));
  });

  it('has places for seq and for the ids of a gateway that no id of a device leads to', () => {
    const remainder = (entry: StoreRecord) => Number(timeOf(entry).slice(-6)) % 3;
    for (let number = 0; number < 1_000; number++) {
      expect(remainder(reading(`${T0}-${number}`, { seq: number }))).toBe(0);
      expect(remainder(reading(`~mfk1a-${number.toString(36)}`))).toBe(1);
      expect(remainder(reading(`own-${number}`))).toBe(2);
      expect(remainder(reading(`own-${number}`, { seq: 7 }))).toBe(2); // an id of its own counts, not seq
    }
  });

  it('gives each of a gateway’s ids a place of its own', () => {
    const times = Array.from({ length: 5_000 }, (_, number) =>
      timeOf(reading(`~mfk1a-${number.toString(36)}`)),
    );
    expect(new Set(times).size).toBe(5_000);
    expect(times).toEqual(times.toSorted());
  });

  it('refuses a record for which there is no place left, with the reason', () => {
    places = new PointPlaces(50_000, 2);
    const ids = meeting(3, readingPlace);
    const given = ids.map((id) => places.placeOf(reading(id)));
    expect(given.slice(0, 2)).toEqual([0, 1]);
    expect(given[2]).toBe('2 other records of the device in the same millisecond have its place');
  });

  it('remembers a bounded number', () => {
    places = new PointPlaces(10);
    const [first = '', second = ''] = meeting(2, readingPlace);
    expect(places.placeOf(reading(first))).toBe(0);
    for (let ms = 1; ms <= 9; ms++) places.placeOf(reading('x', { timeMs: T0 + ms }));
    expect(places.placeOf(reading(second))).toBe(1); // the older ones of two generations
    for (let ms = 10; ms <= 40; ms++) places.placeOf(reading('x', { timeMs: T0 + ms }));
    expect(places.placeOf(reading(second))).toBe(0);
  });
});
