import { idHash } from '../identity.js';
import type { StoreRecord } from '../telemetry-store.js';
import { eventTime, mayMeet, readingTime } from './point-time.js';

/** Places that are tried. That many others would have to be there, each with a chance of 1 in 300,000. */
const STEPS = 16;
const REMEMBERED = 50_000;

/**
 * Which id has which place, of the newest 50,000 to 100,000 records with ids of the devices' own (about 10 MB at most): where the hashes of
 * two ids of one device and millisecond meet, the later one goes to the next free place instead of overwriting the other. The same id
 * always finds its own place again.
 */
export class PointPlaces {
  private current = new Map<string, number>();
  private previous = new Map<string, number>();

  constructor(
    private readonly remembered = REMEMBERED,
    private readonly steps = STEPS,
  ) {}

  /** How many places further than its own the record goes; a sentence when there is no place for it. */
  placeOf(entry: StoreRecord): number | string {
    if (entry.kind !== 'telemetry' && entry.kind !== 'event') return 0; // found by their ids, which are ours
    const { record } = entry;
    if (entry.kind === 'telemetry' && !mayMeet(record)) return 0;
    const hash = idHash(record.id);
    for (let steps = 0; steps < this.steps; steps++) {
      const time = entry.kind === 'event' ? eventTime(entry.record, steps) : readingTime(entry.record, steps);
      const place = `${entry.kind} ${record.deviceId} ${time}`;
      const holder = this.current.get(place) ?? this.previous.get(place);
      if (holder !== undefined && holder !== hash) continue;
      if (holder === undefined) this.take(place, hash);
      return steps;
    }
    return `${this.steps} other records of the device in the same millisecond have its place`;
  }

  private take(place: string, hash: number): void {
    this.current.set(place, hash);
    if (this.current.size < this.remembered) return;
    this.previous = this.current;
    this.current = new Map();
  }
}
