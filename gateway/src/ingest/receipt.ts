import type { LogTopic } from '@fieldgate/contracts';
import type { LogPosition } from '@fieldgate/commit-log';
import type { ConnectPacket, Properties } from '@fieldgate/mqtt-edge';

/** On CONNECT: with the value `1` the device is told of each message where it stands. */
export const RECEIPTS_PROPERTY = 'fieldgate-receipts';

/** Whether this client (MQTT 5) is told; who wants no problem information gets no user properties either ([MQTT-3.1.2-29]). */
export function wantsReceipts({ version, properties }: ConnectPacket): boolean {
  if (version !== 5 || properties.requestProblemInformation === 0) return false;
  const [, value] = properties.userProperties?.find(([name]) => name === RECEIPTS_PROPERTY) ?? [];
  return value === '1';
}

/** Records of one topic and one device, so of one partition. */
interface Stretch {
  readonly topic: LogTopic;
  records: number;
  /** Durable in the spool of this gateway; their position comes later. */
  spooled: number;
  first?: LogPosition;
  last?: LogPosition;
}

/**
 * Where what has become of one message stands in the log, for the device: user properties of its PUBACK or PUBREC. Made only for devices that ask.
 */
export class Receipt {
  private stored: Stretch | undefined;
  private kept: Stretch | undefined;
  private readonly letters: string[] = [];

  /** A record of it is durable; `at` undefined: in the spool. */
  addRecord(topic: LogTopic, at: LogPosition | undefined): this {
    this.stored ??= { topic, records: 0, spooled: 0 };
    grow(this.stored, at);
    return this;
  }

  /** A dead letter of it is durable. The API calls it by its position: in the spool it has no name yet. */
  addDeadLetter(at: LogPosition | undefined): void {
    this.kept ??= { topic: 'fieldgate.dead-letters.v1', records: 0, spooled: 0 };
    grow(this.kept, at);
    if (at) this.letters.push(`${at.partition}-${at.offset}`);
  }

  /** The position is that of its records; of its dead letters when it has no others. */
  get properties(): Pick<Properties, 'userProperties'> {
    const stretch = this.stored ?? this.kept;
    const pairs: [name: string, value: string][] = stretch ? pairsOf(stretch) : [];
    for (const id of this.letters) pairs.push(['dead-letter', id]);
    return { userProperties: pairs };
  }
}

function grow(stretch: Stretch, at: LogPosition | undefined): void {
  stretch.records += 1;
  if (at === undefined) {
    stretch.spooled += 1;
    return;
  }
  stretch.first ??= at;
  stretch.last = at; // appended in this order, to one partition
}

function pairsOf({ topic, records, spooled, first, last }: Stretch): [string, string][] {
  const pairs: [string, string][] = [['topic', topic]];
  if (first && last) {
    pairs.push(['partition', String(first.partition)], ['offset', String(first.offset)]);
    if (last !== first) pairs.push(['last-offset', String(last.offset)]);
  }
  if (records > 1) pairs.push(['records', String(records)]);
  if (spooled > 0) pairs.push(['spooled', String(spooled)]);
  return pairs;
}
