import type { LogTopic, Rejection } from '@fieldgate/contracts';
import type { LogPosition, NewRecord } from '@fieldgate/commit-log';
import type { DeviceSession } from '../sessions/device-session.js';
import type { ArrivedArray } from './arrived-array.js';
import type { InboundPublish } from './publish.js';
import { Receipt } from './receipt.js';

/** A message on its way, or one element of an array; it is also the record that it becomes, so that one object waits for the log. */
export class Arrival implements NewRecord {
  topic: LogTopic = 'fieldgate.telemetry.v1';
  value: Uint8Array | null = null;

  constructor(
    readonly session: DeviceSession,
    readonly publish: InboundPublish,
    /** Of which this is an element. */
    readonly array?: ArrivedArray,
    readonly element = 0,
  ) {}

  get key(): string {
    return this.session.deviceId;
  }

  /** Durable; `at` undefined: in the spool of this gateway. */
  acknowledge(at: LogPosition | undefined): void {
    if (this.array === undefined) return this.publish.settle('acknowledge', this.receiptAt(at));
    this.array.receipt?.addRecord(this.topic, at);
    this.array.settle(this.element, 'acknowledge');
  }

  settle(outcome: 'unavailable' | Rejection): void {
    if (this.array === undefined) this.publish.settle(outcome);
    else this.array.settle(this.element, outcome);
  }

  private receiptAt(at: LogPosition | undefined): Receipt | undefined {
    return this.session.wantsReceipts ? new Receipt().addRecord(this.topic, at) : undefined;
  }
}

/** Of the dead letters of one message: it is settled after the last of them with the worst, an outage, else the first rejection. */
export class Outcomes {
  private worst: 'unavailable' | Rejection | undefined;

  constructor(
    private open: number,
    private readonly publish: InboundPublish,
    private readonly receipt: Receipt | undefined,
  ) {}

  add(outcome: 'unavailable' | Rejection): void {
    if (outcome === 'unavailable') this.worst = outcome;
    this.worst ??= outcome;
    this.open -= 1;
    if (this.open === 0) this.publish.settle(this.worst, this.receipt);
  }
}
