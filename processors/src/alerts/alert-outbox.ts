import {
  acknowledgementKey,
  alertStepId,
  decodeAlertStep,
  encodeAlertStep,
  encodeTableRow,
  isRejection,
  openAlertKey,
  type AlertStep,
  type AlertStateRow,
} from '@fieldgate/contracts';
import type { AlertTransition } from '@fieldgate/alert-rules';
import { appended, type CommitLog, type NewRecord } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { SourcePartition } from './alert-source.js';
import { allSettled } from './all-settled.js';
import { partitionsBeside } from './partitions-beside.js';

const transitionsTotal = new Counter({
  name: 'fieldgate_alerts_transitions_total',
  help: 'Alerts raised, escalated, cleared, and amended by late data',
  labelNames: ['change', 'severity'],
});

/** Steps read back at the start of a partition; a checkpoint is never so far behind. */
const MOST_STEPS = 50_000;

interface Waiting {
  readonly transition: AlertTransition;
  /** It stands in `fieldgate.alerts.v1`, written by this run or an earlier one. */
  isTold: boolean;
  readonly wasTold: boolean;
}

/** What the rules of one partition have to say and have not said durably yet. First the step, then the row: a row whose step is missing would be an alert that nobody was told of. */
export class AlertOutbox {
  private waiting: Waiting[] = [];
  /** Steps that an earlier run has told. */
  private told = new Set<string>();
  private writes = 0;

  constructor(
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Where the next step will stand, by partition of `fieldgate.alerts.v1`. */
  async end(source: SourcePartition): Promise<Record<string, number>> {
    const beside = await partitionsBeside(this.log.reader, 'fieldgate.alerts.v1', source);
    return Object.fromEntries(beside.map(({ partition, end }) => [String(partition), end]));
  }

  /** From now on leaves out the steps that stand in the log from there on: a crash came after them, and they are made again now. */
  async leaveOutTold(source: SourcePartition, from: Readonly<Record<string, number>>): Promise<void> {
    const topic = 'fieldgate.alerts.v1';
    const told = new Set<string>();
    for (const { partition, earliest, end } of await partitionsBeside(this.log.reader, topic, source)) {
      const start = Math.max(earliest, from[partition] ?? earliest, end - MOST_STEPS);
      for await (const { value } of this.log.reader.read(topic, { partition, from: start, to: end })) {
        const step = value ? decodeAlertStep(value) : undefined;
        if (step && !isRejection(step)) told.add(step.id);
      }
    }
    this.told = told;
  }

  add(transitions: readonly AlertTransition[]): void {
    for (const transition of transitions) {
      const step = stepOf(transition);
      const wasTold = step !== undefined && this.told.has(alertStepId(step));
      this.waiting.push({ transition, isTold: wasTold || step === undefined, wasTold });
    }
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** What is not durable yet, by device. */
  pending(): Map<string, AlertTransition[]> {
    const pending = new Map<string, AlertTransition[]>();
    for (const { transition } of this.waiting) {
      const { deviceId } = transition.alert;
      const ofDevice = pending.get(deviceId);
      if (ofDevice) ofDevice.push(transition);
      else pending.set(deviceId, [transition]);
    }
    return pending;
  }

  /** Durable when it resolves. When it rejects, the next call goes on with what is not told yet. */
  async flush(): Promise<void> {
    const waiting = [...this.waiting];
    if (waiting.length === 0) return;
    await allSettled(waiting.filter(({ isTold }) => !isTold).map((entry) => this.tell(entry)));
    await allSettled(this.rowsOf(waiting).map((row) => appended(this.log.writer, row)));
    this.waiting.splice(0, waiting.length);
    for (const { transition, wasTold } of waiting) if (!wasTold) this.report(transition);
  }

  private async tell(entry: Waiting): Promise<void> {
    const step = stepOf(entry.transition);
    if (!step) return;
    const { deviceId } = step.alert;
    await appended(this.log.writer, {
      topic: 'fieldgate.alerts.v1',
      key: deviceId,
      value: encodeAlertStep(step, this.clock.now()),
    });
    entry.isTold = true;
  }

  /** Of each alert the last thing that was said. */
  private rowsOf(waiting: readonly Waiting[]): NewRecord[] {
    const rows = new Map<string, NewRecord>();
    for (const { transition, wasTold } of waiting) {
      const { change, alert } = transition;
      const { deviceId, rule } = alert;
      const key = openAlertKey(deviceId, rule);
      const acknowledged = acknowledgementKey(deviceId, rule);
      rows.set(key, this.row(deviceId, key, change === 'cleared' ? undefined : { kind: 'open', alert }));
      // what was told before may have been followed by an alert that an operator has acknowledged since
      if (change === 'cleared' && !wasTold)
        rows.set(acknowledged, this.row(deviceId, acknowledged, undefined));
    }
    return [...rows.values()];
  }

  private row(deviceId: string, key: string, data: AlertStateRow | undefined): NewRecord {
    const topic = 'fieldgate.alert-states.v1';
    const atMs = this.clock.now();
    this.writes += 1;
    const value =
      data === undefined ? null : encodeTableRow(topic, { key, id: `${atMs}-${this.writes}`, atMs, data });
    return { topic, key, partitionKey: deviceId, value };
  }

  private report({ change, alert }: AlertTransition): void {
    const { id, deviceId, rule, severity } = alert;
    transitionsTotal.inc({ change, severity });
    if (change !== 'amended') this.logger.info({ deviceId, rule, severity, alert: id }, `alert ${change}`);
  }
}

function stepOf({ change, alert }: AlertTransition): AlertStep | undefined {
  return change === 'amended' ? undefined : { step: change, alert };
}
