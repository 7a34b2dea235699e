import {
  decodeAlertStep,
  deviceRecordSchema,
  encodeEvent,
  encodeTableRow,
  FieldgateError,
  isRejection,
  tableRows,
  type Alert,
  type AlertStepRecord,
  type DeviceRecord,
  type EventState,
  type Severity,
} from '@fieldgate/contracts';
import { parseRules, type Rules } from '@fieldgate/alert-rules';
import {
  appended,
  LogTable,
  type CommitLog,
  type LogBatch,
  type LogRecord,
  type LogWriter,
} from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger } from '@fieldgate/service';
import type { Refusal } from '../delivery/deliver-batch.js';
import { ALERT_TUNING, WatchAlerts, type AlertTuning } from '../alerts/watch-alerts.js';
import { makeAnew } from './make-anew.js';
import { heldAssignment, jsonOf, recordsOf, writeReading } from './written.js';

const TOPICS = ['fieldgate.telemetry.v1', 'fieldgate.events.v1'] as const;
type Topic = (typeof TOPICS)[number];

export const START = Date.parse('2026-11-20T21:30:00.000Z');

export function rulesFrom(text: string): Rules {
  const rules = parseRules(text);
  if (isRejection(rules)) throw new Error(rules.detail);
  return rules;
}

/** The alerts group on a log in memory, with a clock that the test moves, and batches that it hands over. */
export class WatchedLog {
  now = START;
  readonly log: MemoryLog = createMemoryLog({ clock: { now: () => this.now } });
  watch: WatchAlerts;
  rules: Rules = rulesFrom('version: 1\nrules: []\n');
  assignments = this.newAssignments();
  private devices: LogTable<DeviceRecord>;
  private readonly passed = new Map<Topic, number>();
  private ids = 0;
  private isAnew = false;

  constructor(private readonly tuning: Partial<AlertTuning> = {}) {
    this.devices = this.newTable();
    this.watch = this.newWatch(this.log);
  }

  async start(rules?: string): Promise<this> {
    await this.log.start();
    if (rules !== undefined) this.useRules(rules);
    await this.restart();
    return this;
  }

  useRules(text: string): void {
    this.rules = rulesFrom(text);
    this.watch.useRules(this.rules);
  }

  /** What the group kept in memory is gone; its offsets stay. `writingTo`: another way to the same log. */
  async restart(writingTo: CommitLog = this.log): Promise<void> {
    await this.devices.stop();
    this.devices = this.newTable();
    this.watch = this.newWatch(writingTo);
    this.watch.useRules(this.rules);
    this.assignments = this.newAssignments();
    await this.devices.start();
    const { watch } = this;
    this.devices.changes(({ key }) => watch.deviceChanged(key));
    await this.devices.caughtUp();
  }

  stop(): Promise<void> {
    return this.devices.stop();
  }

  async register(id: string, facts: { type?: string; labels?: Record<string, string> } = {}): Promise<void> {
    const data = {
      id,
      labels: {},
      ...facts,
      secret: 'sha256$c2FsdA$aGFzaA',
      createdAt: this.now,
      updatedAt: this.now,
      creationId: 'c',
      secretVersion: 1,
    };
    await this.writeDevice(id, data);
  }

  async remove(id: string): Promise<void> {
    await this.writeDevice(id, null);
  }

  /** Arrives now; `ago`: how old it is by the device's clock; `ahead`: how far ahead the clock of its gateway is. */
  async reading(deviceId: string, value: number, ago = 0, ahead = 0): Promise<void> {
    this.ids += 1;
    await writeReading(this.log, {
      deviceId,
      id: `r-${this.ids}`,
      timeMs: this.now - ago,
      receivedMs: this.now + ahead,
      value,
    });
  }

  async event(
    deviceId: string,
    event: string,
    state: EventState,
    severity: Severity = 'warning',
  ): Promise<void> {
    this.ids += 1;
    const value = encodeEvent(
      { deviceId, event, state, severity },
      { id: `e-${this.ids}`, timeMs: this.now },
      this.now,
    );
    await appended(this.log.writer, { topic: 'fieldgate.events.v1', key: deviceId, value });
  }

  async unreadable(topic: Topic): Promise<void> {
    await appended(this.log.writer, { topic, key: 'pump-7', value: Buffer.from('no record') });
  }

  /** All that the group has not passed; its offsets move when that resolves, unless they are `lost` with the process. */
  async follow(options: { lost?: boolean; topics?: readonly Topic[] } = {}): Promise<Refusal[]> {
    const refused: Refusal[] = [];
    for (const topic of options.topics ?? TOPICS) {
      const from = this.passed.get(topic) ?? 0;
      const records = (await recordsOf(this.log, topic)).filter(({ offset }) => offset >= from);
      refused.push(...(await this.watch.follow(this.batch(topic, records, from))));
      if (options.lost !== true) this.passed.set(topic, from + records.length);
    }
    return refused;
  }

  async tick(ms: number): Promise<void> {
    this.now += ms;
    await this.watch.due();
  }

  /** From now on the topic is a new one, and empty; the group begins there. `isTold`: it has seen it. */
  makeAnew(topic: Topic, isTold = false): void {
    makeAnew(this.log, topic, { now: () => this.now });
    this.isAnew = isTold;
    this.passed.delete(topic);
  }

  /** `device rule step`, in the order of the log. */
  async steps(): Promise<string[]> {
    return (await this.stepRecords()).map(
      ({ step }) => `${step.alert.deviceId} ${step.alert.rule} ${step.step}`,
    );
  }

  async alertOf(deviceId: string, rule: string): Promise<Alert | undefined> {
    return (await this.stepRecords())
      .map(({ step }) => step.alert)
      .findLast((alert) => alert.deviceId === deviceId && alert.rule === rule);
  }

  async stepRecords(): Promise<AlertStepRecord[]> {
    const steps: AlertStepRecord[] = [];
    for (const { value } of await recordsOf(this.log, 'fieldgate.alerts.v1')) {
      const step = decodeAlertStep(value ?? new Uint8Array());
      if (isRejection(step)) throw new Error(step.detail);
      steps.push(step);
    }
    return steps;
  }

  /** Rows of `fieldgate.alert-states.v1`, by key. */
  async rows(): Promise<Map<string, unknown>> {
    const rows = new Map<string, unknown>();
    for (const record of await recordsOf(this.log, 'fieldgate.alert-states.v1')) {
      if (record.value === null) rows.delete(record.key);
      else rows.set(record.key, jsonOf(record)['data']);
    }
    return rows;
  }

  private batch(topic: Topic, records: readonly LogRecord[], from: number): LogBatch {
    return { topic, partition: 0, records, assignment: this.assignments[topic], from };
  }

  private newAssignments(): Record<Topic, ReturnType<typeof heldAssignment>> {
    const held = (topic: Topic) => {
      const isAnew = (): boolean => this.isAnew && !this.passed.get(topic);
      return { ...heldAssignment(topic), isAnew };
    };
    return {
      'fieldgate.telemetry.v1': held('fieldgate.telemetry.v1'),
      'fieldgate.events.v1': held('fieldgate.events.v1'),
    };
  }

  private newWatch(log: CommitLog): WatchAlerts {
    const clock = { now: () => this.now };
    const logger = createLogger({ level: 'silent' });
    return new WatchAlerts(
      { log, devices: this.devices, clock, monotonic: clock, logger },
      { ...ALERT_TUNING, settleMs: 1_000, boundsMs: 0, ...this.tuning },
    );
  }

  private newTable(): LogTable<DeviceRecord> {
    const topic = 'fieldgate.devices.v1';
    return new LogTable(this.log.reader, topic, tableRows(topic, deviceRecordSchema), {
      failed: (error) => {
        throw error;
      },
      unreadable: () => undefined,
    });
  }

  private async writeDevice(id: string, data: unknown): Promise<void> {
    const topic = 'fieldgate.devices.v1';
    const value =
      data === null ? null : encodeTableRow(topic, { key: id, id: String(this.now), atMs: this.now, data });
    await this.devices.reached(await appended(this.log.writer, { topic, key: id, value }));
  }
}

/** The same log, whose writer takes so many records and no more: what a process wrote that was killed there. */
export function takingOnly(log: CommitLog, count: number): CommitLog & { readonly isCut: boolean } {
  let left = count;
  const writer: LogWriter = {
    append: (record, settle) => {
      left -= 1;
      if (left >= 0) return log.writer.append(record, settle);
      queueMicrotask(() => settle(new FieldgateError('log-unavailable', 'killed'), undefined, record));
      return true;
    },
    drained: (listener) => log.writer.drained(listener),
  };
  return {
    reader: log.reader,
    writer,
    ingest: writer,
    spool: () => undefined,
    start: () => log.start(),
    stop: () => log.stop(),
    get isCut() {
      return left < 0;
    },
    problem: () => log.problem(),
  };
}
