import { FieldgateError } from '@fieldgate/contracts';
import type { NewRecord } from './log-writer.js';

/** The largest value of a record: what a Kafka topic takes by default, and more than any device may send. */
export const MAX_VALUE_BYTES = 1024 * 1024;
/** Of a key in UTF-8; device ids are far shorter. */
export const MAX_KEY_BYTES = 1024;

/** Why this one record will never be taken; undefined when it may go in. */
export function refusalOf(record: NewRecord): FieldgateError | undefined {
  const size = record.value?.byteLength ?? 0;
  if (size > MAX_VALUE_BYTES)
    return new FieldgateError('record-refused', `the value has ${size} bytes, more than ${MAX_VALUE_BYTES}`);
  // three bytes of UTF-8 at most per UTF-16 unit: only a long key is worth measuring
  if (record.key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(record.key) > MAX_KEY_BYTES)
    return new FieldgateError('record-refused', `the key has more than ${MAX_KEY_BYTES} bytes`);
  return undefined;
}

/** How much has been appended and not settled yet: says when it is too much, and when it is half of that again. */
export class Backlog {
  private records = 0;
  private bytes = 0;
  private listeners: (() => void)[] = [];

  constructor(private readonly limit: { readonly records: number; readonly bytes: number }) {}

  /** False when there is too much now; what was added counts all the same. */
  add(bytes: number): boolean {
    this.records += 1;
    this.bytes += bytes;
    return this.records < this.limit.records && this.bytes < this.limit.bytes;
  }

  /** To be called after the records have settled. */
  remove(records: number, bytes: number): void {
    this.records -= records;
    this.bytes -= bytes;
    if (this.listeners.length > 0 && this.isDrained()) this.callListeners();
  }

  drained(listener: () => void): void {
    this.listeners.push(listener);
    if (this.isDrained()) setImmediate(() => this.callListeners()); // in a later turn, also when little is waiting
  }

  private isDrained(): boolean {
    return this.records <= this.limit.records / 2 && this.bytes <= this.limit.bytes / 2;
  }

  private callListeners(): void {
    if (!this.isDrained()) return; // filled up again before the turn came: the next `remove` calls them
    const listeners = this.listeners;
    this.listeners = [];
    for (const listener of listeners) listener();
  }
}
