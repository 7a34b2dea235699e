import type { TelemetryRecord } from '@fieldgate/contracts';
import { idHash } from '../identity.js';
import type { SaidRecord, StoreRecord } from '../telemetry-store.js';
import { eventTime, mayMeet, PLACES_TRIED, readingTime } from './point-time.js';

const REMEMBERED = 50_000;

type Named = Pick<TelemetryRecord, 'deviceId' | 'id' | 'timeMs'>;

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
    private readonly steps = PLACES_TRIED,
  ) {}

  /** How many places further than its own the record goes; a sentence when there is no place for it. */
  placeOf(entry: StoreRecord): number | string {
    if (entry.kind === 'event') return this.find('event', entry.record, eventTime);
    if (entry.kind !== 'telemetry' || !mayMeet(entry.record)) return 0; // the others are found by ids of ours
    return this.find('telemetry', entry.record, readingTime);
  }

  /** After a restart: what has its place already. `<time>-<seq>` never meets anything. */
  recall(kind: SaidRecord['kind'], stored: Named): void {
    if (kind === 'event') this.find('event', stored, eventTime);
    else if (!/-\d+$/.test(stored.id) || !stored.id.startsWith(`${stored.timeMs}-`))
      this.find('telemetry', stored, readingTime);
  }

  private find(
    kind: SaidRecord['kind'],
    record: Named,
    timeOf: (record: Named, steps: number) => string,
  ): number | string {
    const hash = idHash(record.id);
    for (let steps = 0; steps < this.steps; steps++) {
      const place = `${kind} ${record.deviceId} ${timeOf(record, steps)}`;
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
