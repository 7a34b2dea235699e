const GROUP = 2_000;
const LINGER_MS = 2;

/**
 * Where a gateway has its log: makes the record of each message and settles them in groups, but stores nothing. The same for every server that
 * is measured without a log, so that what differs is the server.
 */
export class NoLog<O> {
  private owners: O[] = [];
  private deliveries: number[] = [];
  private records: Buffer[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly settle: (owners: readonly O[], deliveries: readonly number[]) => void) {}

  /** Throws when the payload is no JSON. */
  append(prefix: string, payload: string, owner: O, delivery: number): void {
    const value: unknown = JSON.parse(payload);
    if (typeof value !== 'object') throw new Error('a payload that is no object');
    this.records.push(Buffer.from(`${prefix}${Date.now()},"data":${payload}}`));
    this.owners.push(owner);
    this.deliveries.push(delivery);
    if (this.records.length >= GROUP) this.commit();
    else this.timer ??= setTimeout(() => this.commit(), LINGER_MS);
  }

  private commit(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { owners, deliveries } = this;
    this.owners = [];
    this.deliveries = [];
    this.records = [];
    setImmediate(() => this.settle(owners, deliveries));
  }
}

/** The constant part of a device's records. */
export function recordPrefix(deviceId: string): string {
  return `{"specversion":"1.0","type":"fieldgate.telemetry.v1","source":"/devices/${deviceId}","subject":"${deviceId}","datacontenttype":"application/json","receivedtime":`;
}
