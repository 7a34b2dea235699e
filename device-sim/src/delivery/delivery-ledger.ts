/**
 * What became of every message of one device, as the device knows it. Messages are numbered from 1 without gaps, so that only the few that are
 * not acknowledged need to be kept.
 */
export class DeliveryLedger {
  private last = 0;
  private readonly open = new Set<number>();
  private readonly refusedNumbers = new Set<number>();
  /** Ticks without a message, because too many were on their way already. */
  skipped = 0;
  firstSentMs: number | undefined;
  lastSentMs = 0;

  /** The number of the next message. */
  send(atMs: number): number {
    this.firstSentMs ??= atMs;
    this.lastSentMs = Math.max(this.lastSentMs, atMs);
    this.open.add(++this.last);
    return this.last;
  }

  acknowledge(number: number): void {
    this.open.delete(number);
  }

  /** The gateway has said no for good (MQTT 5 reason code from 0x80). */
  refuse(number: number): void {
    if (this.open.delete(number)) this.refusedNumbers.add(number);
  }

  get sent(): number {
    return this.last;
  }
  get inFlight(): number {
    return this.open.size;
  }
  get refused(): number {
    return this.refusedNumbers.size;
  }
  get acknowledged(): number {
    return this.last - this.open.size - this.refusedNumbers.size;
  }

  wasAcknowledged(number: number): boolean {
    return this.wasSent(number) && !this.open.has(number) && !this.refusedNumbers.has(number);
  }

  wasSent(number: number): boolean {
    return Number.isInteger(number) && number >= 1 && number <= this.last;
  }
}
