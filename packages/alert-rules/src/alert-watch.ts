import type { Alert, EventRecord, TelemetryRecord } from '@fieldgate/contracts';
import { AlertSlot } from './judges/alert-slot.js';
import { DeviceWatch, type Surroundings } from './device-watch.js';
import { Heap } from './heap.js';
import type { Rule, Rules } from './rules/rule.js';
import { deviceMemorySchema, watchMemorySchema, type DeviceMemory } from './watch-memory.js';

/** What rules select by. Times in epoch ms. */
export interface DeviceFacts {
  readonly id: string;
  readonly type?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: number;
}

/**
 * `escalated`: what a device says of itself has become worse. `amended`: late data, or other words of a rule, changed what an open alert says;
 * nobody is woken by it.
 */
export interface AlertTransition {
  readonly change: 'raised' | 'escalated' | 'cleared' | 'amended';
  readonly alert: Alert;
}

export interface AlertWatchSettings {
  /** Metric rules read telemetry, event rules and conditions of devices read events: no rule is in both. */
  readonly source: 'telemetry' | 'events';
  readonly rules: Rules;
  /** Undefined: no device of this id is registered (any more). */
  readonly deviceOf: (id: string) => DeviceFacts | undefined;
}

interface Due {
  readonly atMs: number;
  readonly device: DeviceWatch;
}

/**
 * The rules at work on one partition of one topic. It has no clock: `passTo` tells it how far the arrival clock has come, and must be called
 * with the arrival of each record before the record itself. What it says depends on nothing but what it was told, so a replay says the same.
 */
export class AlertWatch {
  private rules: readonly Rule[];
  private ignored: ReadonlySet<string>;
  private arrivalMs: number | undefined;
  /** By name: since when a rule watches, on the arrival clock. */
  private since = new Map<string, { readonly fingerprint: string; readonly ms: number }>();
  private readonly devices = new Map<string, DeviceWatch>();
  /** A device may stand in it more than once; what counts is its `scheduledMs`. */
  private readonly due = new Heap<Due>(compareDue);
  private transitions: AlertTransition[] = [];
  private changed: string[] = [];
  private late = 0;
  private steps = 0;
  private readonly around: Surroundings = {
    arrivalMs: () => this.arrivalMs,
    ruleSince: ({ name }) => this.since.get(name)?.ms ?? Infinity,
    emit: (transition) => {
      this.transitions.push(transition);
      const device = this.devices.get(transition.alert.deviceId);
      if (device) this.markChanged(device);
    },
    clockStepped: () => (this.steps += 1),
  };

  constructor(private readonly settings: AlertWatchSettings) {
    this.rules = this.rulesOf(settings.rules);
    this.ignored = settings.rules.ignoredConditions;
  }

  /** How far the arrival clock has come, epoch ms; 0: nothing has arrived. */
  get clockMs(): number {
    return this.arrivalMs ?? 0;
  }

  /** Records that some rule did not judge because they came too late; since the start of this process. */
  get lateReadings(): number {
    return this.late;
  }

  /** Device clocks that were set back; since the start of this process. */
  get clockSteps(): number {
    return this.steps;
  }

  reading(record: TelemetryRecord): void {
    const device = this.deviceOf(record.deviceId);
    if (!device) return;
    if (!device.reading(record)) this.late += 1;
    this.markChanged(device);
    this.schedule(device);
  }

  event(record: EventRecord): void {
    const device = this.deviceOf(record.deviceId);
    if (!device) return;
    if (!device.event(record, this.ignored)) this.late += 1;
    this.markChanged(device);
    this.schedule(device);
  }

  /** The arrival clock moves on, never back. */
  passTo(arrivalMs: number): void {
    const before = this.arrivalMs;
    if (before !== undefined && arrivalMs <= before) return;
    this.arrivalMs = arrivalMs;
    if (before === undefined) this.begin();
    for (let least = this.due.least; least && least.atMs < arrivalMs; least = this.due.least) {
      this.due.pop();
      const { device, atMs } = least;
      if (device.scheduledMs !== atMs) continue;
      device.scheduledMs = Infinity;
      if (device.nextArrivalMs() <= atMs) {
        device.pass();
        this.markChanged(device);
      }
      this.schedule(device);
    }
  }

  /** A device of this partition, also one that has never reported: it can be missed from now on. */
  watch(deviceId: string): void {
    this.deviceOf(deviceId);
  }

  /** It was registered, has another type or other labels, or is gone. */
  deviceChanged(deviceId: string): void {
    const facts = this.settings.deviceOf(deviceId);
    const device = this.devices.get(deviceId);
    if (device && facts?.createdAt === device.createdAt) {
      device.use(this.rules, facts);
      this.markChanged(device);
      this.schedule(device);
      return;
    }
    if (device) {
      device.clearAll('device-deleted');
      this.markChanged(device);
      this.remove(deviceId);
    }
    if (facts) this.add(facts);
  }

  /**
   * A rule with other numbers starts anew, and judges the alert that is open. One that is gone, or is about something else now, leaves none.
   * What did not change goes on as if nothing had happened.
   */
  useRules(rules: Rules): void {
    this.rules = this.rulesOf(rules);
    this.ignored = rules.ignoredConditions;
    this.since = this.sinceWhen(this.since);
    for (const device of this.devices.values()) {
      device.use(this.rules, this.settings.deviceOf(device.id));
      device.ignore(this.ignored);
      this.markChanged(device);
      this.schedule(device);
    }
  }

  /** What was raised, escalated, amended and cleared since the last call, in this order. */
  takeTransitions(): AlertTransition[] {
    const { transitions } = this;
    if (transitions.length > 0) this.transitions = [];
    return transitions;
  }

  *openAlerts(): Generator<Alert> {
    for (const device of this.devices.values()) yield* device.open();
  }

  /** Devices whose memory has changed since the last call. */
  takeChanged(): string[] {
    const { changed } = this;
    this.changed = [];
    for (const id of changed) {
      const device = this.devices.get(id);
      if (device) device.isChanged = false;
    }
    return changed;
  }

  /** JSON; undefined: nothing to keep. */
  deviceMemory(id: string): DeviceMemory | undefined {
    return this.devices.get(id)?.memory();
  }

  /** False: it is not ours, or of an older version, and the device starts anew. */
  restoreDevice(id: string, memory: unknown): boolean {
    const read = deviceMemorySchema.safeParse(memory);
    if (!read.success) return false;
    this.remove(id);
    const facts = this.settings.deviceOf(id);
    if (facts?.createdAt !== read.data.createdAt) {
      this.forget(id, read.data);
      return true;
    }
    const device = this.add(facts);
    const isWhole = device.restore(read.data, this.rules);
    this.schedule(device);
    return isWhole;
  }

  /** JSON: what is not of a device. */
  memory(): unknown {
    return {
      version: 1,
      ...(this.arrivalMs === undefined ? {} : { clockMs: this.arrivalMs }),
      rules: Array.from(this.since, ([rule, { fingerprint, ms }]) => ({ rule, fingerprint, since: ms })),
    };
  }

  /** False: it is not ours, or of an older version. */
  restore(memory: unknown): boolean {
    const read = watchMemorySchema.safeParse(memory);
    if (!read.success) return false;
    const { clockMs, rules } = read.data;
    this.arrivalMs = clockMs;
    this.since = this.sinceWhen(
      new Map(rules.map(({ rule, fingerprint, since }) => [rule, { fingerprint, ms: since }])),
    );
    for (const device of this.devices.values()) this.schedule(device);
    return true;
  }

  private deviceOf(id: string): DeviceWatch | undefined {
    const known = this.devices.get(id);
    if (known) return known;
    const facts = this.settings.deviceOf(id);
    return facts && this.add(facts);
  }

  private add(facts: DeviceFacts): DeviceWatch {
    const device = new DeviceWatch(facts, this.rules, this.around);
    this.devices.set(facts.id, device);
    this.schedule(device);
    return device;
  }

  private remove(id: string): void {
    const device = this.devices.get(id);
    if (device) device.scheduledMs = Infinity;
    this.devices.delete(id);
  }

  /** The device was deleted while nobody looked. */
  private forget(id: string, { clock, judges, conditions }: DeviceMemory): void {
    for (const memory of [...judges, ...conditions]) {
      const slot = new AlertSlot(this.around.emit);
      slot.restore(memory.slot);
      slot.clear(clock.newest?.[0] ?? this.clockMs, 'device-deleted');
    }
    this.changed.push(id);
  }

  /** The first record: the rules watch from its arrival on. */
  private begin(): void {
    this.since = this.sinceWhen(this.since);
    for (const device of this.devices.values()) this.schedule(device);
  }

  private sinceWhen(before: typeof this.since): typeof this.since {
    const { arrivalMs } = this;
    if (arrivalMs === undefined) return new Map();
    return new Map(
      this.rules.map(({ name, fingerprint }) => {
        const known = before.get(name);
        return [name, known?.fingerprint === fingerprint ? known : { fingerprint, ms: arrivalMs }];
      }),
    );
  }

  private schedule(device: DeviceWatch): void {
    const atMs = device.nextArrivalMs();
    if (atMs >= device.scheduledMs) return; // when that moment comes it is asked again
    device.scheduledMs = atMs;
    this.due.push({ atMs, device });
  }

  private markChanged(device: DeviceWatch): void {
    if (device.isChanged) return;
    device.isChanged = true;
    this.changed.push(device.id);
  }

  private rulesOf({ rules }: Rules): readonly Rule[] {
    return rules.filter(
      (rule) =>
        (rule.kind === 'flapping' && rule.event !== undefined) === (this.settings.source === 'events'),
    );
  }
}

/** Two at the same moment in the order of their ids: a restart must not change the order. */
function compareDue(a: Due, b: Due): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  return a.device.id < b.device.id ? -1 : a.device.id > b.device.id ? 1 : 0;
}
