import { MINTED_PLACES, mintedNumber, type TelemetryRecord } from '@fieldgate/contracts';
import { idHash } from '../identity.js';

type Identity = Pick<TelemetryRecord, 'timeMs' | 'seq' | 'id'>;

export const NS_PER_MS = 1_000_000;
/** What a record has its place from. Each has every third nanosecond of a millisecond, so that they never meet. */
const ORIGINS = { seq: 0, minted: 1, own: 2 } as const;
const STRIDE = 3;
const PLACES = MINTED_PLACES; // of each, in a millisecond

/**
 * Where the points of a reading are, in nanoseconds: InfluxDB knows a point by its device and its time alone, so the id goes into the six
 * digits below the millisecond, which no query shows. `<time>-<seq>` and the ids of a gateway number what they name, and so have places of
 * their own, in their order; the ids of a device itself are hashed, and may meet: then `steps` leads further.
 */
export function readingTime(record: Identity, steps = 0): string {
  const { timeMs, seq, id } = record;
  if (seq !== undefined && id === `${timeMs}-${seq}`) return place(timeMs, ORIGINS.seq, seq);
  const number = mintedNumber(id);
  if (number !== undefined) return place(timeMs, ORIGINS.minted, number);
  return place(timeMs, ORIGINS.own, (idHash(id) % PLACES) + steps);
}

/** Events have a measurement of their own. */
export function eventTime({ timeMs, id }: Identity, steps = 0): string {
  return pointTime(timeMs, (idHash(id) % NS_PER_MS) + steps);
}

/** Places that are tried for one record. That many others would have to be there, each with a chance of 1 in 300,000. */
export const PLACES_TRIED = 16;

/** Whether another id of the device may lead to the same place. */
export function mayMeet({ timeMs, seq, id }: Identity): boolean {
  return !(seq !== undefined && id === `${timeMs}-${seq}`) && mintedNumber(id) === undefined;
}

export function pointTime(timeMs: number, identity: number): string {
  return `${timeMs}${String(identity % NS_PER_MS).padStart(6, '0')}`;
}

function place(timeMs: number, origin: number, number: number): string {
  return pointTime(timeMs, (number % PLACES) * STRIDE + origin);
}
