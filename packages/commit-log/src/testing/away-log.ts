import { FieldgateError, isLogTopic, type LogTopic } from '@fieldgate/contracts';
import type { Overflow, TakenBack } from '../kafka/writing/unsettled-records.js';
import type { NewRecord, Settle } from '../log-writer.js';
import type { SpoolableLog } from '../spool/spooling-writer.js';
import { Inbox } from './inbox.js';

/** Of most records. */
const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
/** When its records came. */
export const NOW = 1_795_210_200_123;

/** Two partitions; each can go away. What goes to one that is away waits there until it comes back or overflows. */
export class AwayLog implements SpoolableLog {
  /** As it stands in the log, `key:text`. */
  readonly records = new Inbox<string>();
  private readonly away = new Set<number>();
  private waiting: (TakenBack & { readonly kind: 'ingest' | 'deliver' })[] = [];
  private overflow: Overflow = () => undefined;
  /** As they would stand in it. */
  readonly refuses = new Set<string>();

  partitionOf(topic: LogTopic, key: string): number {
    if (!isLogTopic(topic)) throw new Error('no such topic');
    return key.startsWith('b') ? 1 : 0;
  }

  ingest(record: NewRecord, settle: Settle): boolean {
    return this.take({ record, settle, timestampMs: NOW, kind: 'ingest' });
  }

  deliver(record: NewRecord, timestampMs: number, settle: Settle): boolean {
    return this.take({ record, settle, timestampMs, kind: 'deliver' });
  }

  onOverflow(overflow: Overflow): void {
    this.overflow = overflow;
  }

  drained(listener: () => void): void {
    setImmediate(listener);
  }

  problem(): string | undefined {
    return this.away.size > 0 ? 'some are away' : undefined;
  }

  goAway(...partitions: number[]): void {
    for (const partition of partitions) this.away.add(partition);
  }

  comeBack(partition: number): void {
    this.away.delete(partition);
    const waiting = this.waiting.filter(
      ({ record }) => this.partitionOf(record.topic, record.key) === partition,
    );
    this.waiting = this.waiting.filter((entry) => !waiting.includes(entry));
    for (const entry of waiting) this.write(entry);
  }

  /** The time of what waits is over. */
  timeIsOver(partition: number): void {
    const over = this.waiting.filter(
      ({ kind, record }) => kind === 'ingest' && this.partitionOf(record.topic, record.key) === partition,
    );
    this.waiting = this.waiting.filter((entry) => !over.includes(entry));
    this.overflow(TOPIC, partition, over);
  }

  /** It is closed: what is being delivered stays where it came from. */
  close(): void {
    for (const { record, settle } of this.waiting.splice(0))
      settle(new FieldgateError('log-unavailable', 'closed'), undefined, record);
  }

  private take(entry: TakenBack & { readonly kind: 'ingest' | 'deliver' }): boolean {
    const { topic, key } = entry.record;
    if (this.away.has(this.partitionOf(topic, key))) this.waiting.push(entry);
    else setImmediate(() => this.write(entry));
    return true;
  }

  private write({ record, settle }: TakenBack): void {
    const value = Buffer.from(record.value ?? []).toString();
    const text = record.topic === TOPIC ? `${record.key}:${value}` : `${record.topic} of ${record.key}`;
    if (this.refuses.has(text))
      return settle(new FieldgateError('record-refused', 'too large'), undefined, record);
    this.records.push(text);
    settle(undefined, { partition: this.partitionOf(record.topic, record.key), offset: 0 }, record);
  }
}
