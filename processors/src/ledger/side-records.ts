import type { LedgerTopic } from '@fieldgate/contracts';
import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { partitionsBeside } from '../alerts/partitions-beside.js';

export const SIDE_TOPICS = [
  'fieldgate.events.v1',
  'fieldgate.dead-letters.v1',
  'fieldgate.ledger.v1',
] as const satisfies readonly LedgerTopic[];

const AT_ONCE = 1_000;

interface Place {
  readonly topic: (typeof SIDE_TOPICS)[number];
  readonly partition: number;
  /** Read, and not handed over. */
  records: LogRecord[];
  /** Where to read on. */
  next: number;
  end: number;
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
  ) {}

  /** `next`: by `<topic>/<partition>`; what is not named starts with the earliest record. */
  async start(next: Readonly<Record<string, number>>): Promise<void> {
    this.places = [];
    for (const topic of SIDE_TOPICS)
      for (const { partition, earliest, end } of await this.beside(topic)) {
        const from = next[`${topic}/${partition}`] ?? earliest;
        this.places.push({ topic, partition, records: [], next: from > end ? earliest : from, end }); // beyond the end: of another log
      }
  }

  /** Asks how far the topics reach now. */
  async look(): Promise<void> {
    for (const topic of SIDE_TOPICS)
      for (const { partition, earliest, end } of await this.beside(topic)) {
        const place = this.places.find((each) => each.topic === topic && each.partition === partition);
        if (!place) continue;
        place.end = end;
        if (place.records.length === 0) place.next = Math.max(place.next, earliest); // what was before has expired
      }
  }

  /** What was appended up to a time, at most some of it: call again until there is nothing. In the order of each partition. */
  async takeUpTo(timestampMs: number): Promise<LogRecord[]> {
    for (const place of this.places)
      if (place.records.length === 0 && place.next < place.end) await this.readOn(place);
    const taken: LogRecord[] = []; // from here on nothing can fail: what is taken is counted
    for (const place of this.places) {
      const beyond = place.records.findIndex((record) => record.timestampMs > timestampMs);
      const ready = place.records.splice(0, beyond === -1 ? place.records.length : beyond);
      for (const record of ready) if (this.isOfHere(record)) taken.push(record);
    }
    return taken;
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
    const to = Math.min(end, next + AT_ONCE);
    const records: LogRecord[] = [];
    for await (const record of this.reader.read(topic, { partition, from: next, to })) records.push(record);
    place.records = records;
    place.next = to;
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
