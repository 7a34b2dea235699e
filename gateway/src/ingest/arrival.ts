import type { LogTopic } from '@fieldgate/contracts';
import type { NewRecord } from '@fieldgate/commit-log';
import type { DeviceSession } from '../sessions/device-session.js';
import type { InboundPublish, IngestOutcome } from './publish.js';

/** A message on its way, or one element of an array; it is also the record that it becomes, so that one object waits for the log. */
export class Arrival implements NewRecord {
  topic: LogTopic = 'fieldgate.telemetry.v1';
  value: Uint8Array | null = null;

  constructor(
    readonly session: DeviceSession,
    readonly publish: InboundPublish,
    readonly element?: number,
    private readonly outcomes?: Outcomes,
  ) {}

  get key(): string {
    return this.session.deviceId;
  }

  settle(outcome: IngestOutcome): void {
    if (this.outcomes === undefined) this.publish.settle(outcome);
    else this.outcomes.add(outcome);
  }
}

/** Of the elements of one message: it is settled after the last of them with the worst, an outage, else the first rejection. */
export class Outcomes {
  private worst: IngestOutcome = 'acknowledge';

  constructor(
    private open: number,
    private readonly publish: InboundPublish,
  ) {}

  add(outcome: IngestOutcome): void {
    if (outcome === 'unavailable' || (this.worst === 'acknowledge' && outcome !== 'acknowledge'))
      this.worst = outcome;
    this.open -= 1;
    if (this.open === 0) this.publish.settle(this.worst);
  }
}
