import type { LedgerTopic } from '@fieldgate/contracts';
import { inBatches, type LogReader, type LogRecord } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import { partitionsBeside } from '../alerts/partitions-beside.js';

export const SIDE_TOPICS = [
  'fieldgate.events.v1',
  'fieldgate.dead-letters.v1',
  'fieldgate.ledger.v1',
] as const satisfies readonly LedgerTopic[];

/** So often the topic must be shorter than what was read of it: after a change of leaders it may seem so for a moment. */
const ANEW_LOOKS = 30;

/** A part of a topic that somebody has deleted and made again. */
export interface AnewSide {
  readonly topic: (typeof SIDE_TOPICS)[number];
  readonly partition: number;
}

interface Place {
  readonly topic: (typeof SIDE_TOPICS)[number];
  readonly partition: number;
  /** Read, and not handed over. */
  records: LogRecord[];
  /** When they were read: none of them was appended later, whatever the clock of its gateway says. */
  readMs: number;
  /** Where to read on. */
  next: number;
  end: number;
  /** Looks, one after another, that have found it shorter than that. */
  shorter: number;
}

/**
 * What the log holds of the devices of one partition beside their readings. It is read here and not handed over by the group: a group may
 * give the partitions of one device to different members, and only one of them may count.
 */
export class SideRecords {
  private places: Place[] = [];

  constructor(
    private readonly reader: LogReader,
    /** Of the telemetry topic. */
    private readonly partition: number,
    private readonly clock: Clock,
  ) {}

  /** `next`: by `<topic>/<partition>`; what is not named starts with the earliest record. */
  async start(next: Readonly<Record<string, number>>): Promise<void> {
    this.places = [];
    for (const topic of SIDE_TOPICS)
      for (const { partition, earliest, end } of await this.beside(topic)) {
        const from = next[`${topic}/${partition}`] ?? earliest;
        this.places.push({ topic, partition, records: [], readMs: 0, next: from, end, shorter: 0 });
      }
  }

  /** Asks how far the topics reach now. What was made anew is read from its beginning; it comes back, once. */
  async look(): Promise<readonly AnewSide[]> {
    const anew: AnewSide[] = [];
    for (const topic of SIDE_TOPICS)
      for (const { partition, earliest, end } of await this.beside(topic)) {
        const place = this.places.find((each) => each.topic === topic && each.partition === partition);
        if (!place) continue;
        place.end = end;
        place.shorter = place.next > end ? place.shorter + 1 : 0;
        if (place.shorter >= ANEW_LOOKS) {
          place.next = earliest;
          place.shorter = 0;
          anew.push({ topic, partition });
        }
        if (place.records.length === 0) place.next = Math.max(place.next, earliest); // what was before has expired
      }
    return anew;
  }

  /**
   * What was appended up to a time, at most some of it, in the order of each partition: call again while it advances. It may advance and have
   * nothing, where all was of other devices or has expired.
   */
  async takeUpTo(
    timestampMs: number,
  ): Promise<{ readonly records: LogRecord[]; readonly advances: boolean }> {
    let advances = false;
    for (const place of this.places) {
      if (place.records.length > 0 || place.next >= place.end) continue;
      await this.readOn(place);
      advances = true;
    }
    const records: LogRecord[] = []; // from here on nothing can fail: what is taken is counted
    for (const place of this.places) {
      const beyond = place.records.findIndex(
        (record) => Math.min(record.timestampMs, place.readMs) > timestampMs,
      );
      const ready = place.records.splice(0, beyond === -1 ? place.records.length : beyond);
      if (ready.length > 0) advances = true;
      for (const record of ready) if (this.isOfHere(record)) records.push(record);
    }
    return { records, advances };
  }

  /** Something is left that `look` has seen. */
  get hasMore(): boolean {
    return this.places.some(({ records, next, end }) => records.length > 0 || next < end);
  }

  /** Everything before is handed over, by `<topic>/<partition>`. */
  next(): Record<string, number> {
    return Object.fromEntries(
      this.places.map(({ topic, partition, records, next }) => [
        `${topic}/${partition}`,
        records[0]?.offset ?? next,
      ]),
    );
  }

  /** The same of one device. */
  nextOf(deviceId: string, topic: Place['topic']): number {
    const partition = this.reader.partitionOf(topic, deviceId);
    const place = this.places.find((each) => each.topic === topic && each.partition === partition);
    return place === undefined ? 0 : (place.records[0]?.offset ?? place.next);
  }

  private async readOn(place: Place): Promise<void> {
    const { topic, partition, next, end } = place;
    let records: LogRecord[] = [];
    for await (const batch of inBatches(this.reader.read(topic, { partition, from: next, to: end }))) {
      records = batch; // the rest when these have been handed over
      break;
    }
    place.records = records;
    place.readMs = this.clock.now();
    place.next = (records.at(-1)?.offset ?? end - 1) + 1;
  }

  private beside(topic: LedgerTopic): ReturnType<typeof partitionsBeside> {
    return partitionsBeside(this.reader, topic, {
      topic: 'fieldgate.telemetry.v1',
      partition: this.partition,
    });
  }

  private isOfHere({ key }: LogRecord): boolean {
    return this.reader.partitionOf('fieldgate.telemetry.v1', key) === this.partition;
  }
}
