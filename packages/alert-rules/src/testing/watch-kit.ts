import {
  isRejection,
  type Alert,
  type EventRecord,
  type ReadingValue,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import { AlertWatch, type AlertTransition, type DeviceFacts } from '../alert-watch.js';
import type { Rules } from '../rules/rule.js';
import { parseRules } from '../rules/rules-file.js';

export const START = 1_700_000_000_000;
export const MINUTE = 60_000;

/** The `rules` of a file, in YAML. */
export function rulesOf(rules: string, rest = ''): Rules {
  const parsed = parseRules(`version: 1\nrules:\n${rules}\n${rest}`);
  if (isRejection(parsed)) throw new Error(parsed.detail);
  return parsed;
}

/** Arrives when it was measured, unless something else is said; times in ms since START. */
export function readingAt(
  atMs: number,
  readings: Readonly<Record<string, ReadingValue>>,
  more: {
    readonly deviceId?: string;
    readonly receivedMs?: number;
    readonly seq?: number;
    readonly id?: string;
  } = {},
): TelemetryRecord {
  const { deviceId = 'pump-1', receivedMs = atMs, seq, id } = more;
  return {
    deviceId,
    id: id ?? `${atMs}-${seq ?? 'x'}`,
    timeMs: START + atMs,
    receivedMs: START + receivedMs,
    readings,
    ...(seq === undefined ? {} : { seq }),
  };
}

export function eventAt(
  atMs: number,
  event: string,
  state: EventRecord['state'],
  more: Partial<EventRecord> & { readonly arrivesMs?: number } = {},
): EventRecord {
  const { arrivesMs = atMs, ...rest } = more;
  return {
    deviceId: 'pump-1',
    id: `${atMs}-${event}-${state}`,
    timeMs: START + atMs,
    receivedMs: START + arrivesMs,
    event,
    state,
    severity: 'warning',
    ...rest,
  };
}

/** A watch over devices that can be changed, with what it has said so far. */
export class WatchRun {
  readonly devices = new Map<string, DeviceFacts>();
  readonly transitions: AlertTransition[] = [];
  watch: AlertWatch;

  constructor(
    private readonly source: 'telemetry' | 'events',
    private rules: Rules,
    deviceIds: readonly string[] = ['pump-1'],
  ) {
    for (const id of deviceIds)
      this.devices.set(id, { id, type: 'pump', labels: { site: 'north' }, createdAt: START });
    this.watch = this.newWatch();
  }

  feed(...records: readonly (TelemetryRecord | EventRecord)[]): this {
    for (const record of records) {
      this.watch.passTo(record.receivedMs);
      if ('readings' in record) this.watch.reading(record);
      else this.watch.event(record);
    }
    return this.take();
  }

  /** ms since START. */
  passTo(atMs: number): this {
    this.watch.passTo(START + atMs);
    return this.take();
  }

  register(id: string, atMs: number, more: Partial<DeviceFacts> = {}): this {
    this.devices.set(id, { id, labels: {}, createdAt: START + atMs, ...more });
    this.watch.deviceChanged(id);
    return this.take();
  }

  remove(id: string): this {
    this.devices.delete(id);
    this.watch.deviceChanged(id);
    return this.take();
  }

  reload(rules: Rules): this {
    this.rules = rules;
    this.watch.useRules(rules);
    return this.take();
  }

  /** Ends, and goes on elsewhere with what was written as JSON. */
  restart(): this {
    const memory = JSON.stringify(this.watch.memory());
    const devices = this.devicesMemory();
    this.watch = this.newWatch();
    if (!this.watch.restore(JSON.parse(memory))) throw new Error('the memory of the watch is not restored');
    for (const [id, device] of devices) {
      if (!this.watch.restoreDevice(id, JSON.parse(device))) throw new Error(`${id} is not restored`);
    }
    for (const id of this.devices.keys()) this.watch.watch(id);
    return this.take();
  }

  devicesMemory(): Map<string, string> {
    const memories = Array.from(this.devices.keys(), (id) => [id, this.watch.deviceMemory(id)] as const);
    return new Map(
      memories.flatMap(([id, memory]) => (memory === undefined ? [] : [[id, JSON.stringify(memory)]])),
    );
  }

  /** `raised too-hot 60000`: what happened, and when on the clock of the device. */
  get story(): string[] {
    return this.transitions.map(({ change, alert }) => {
      const at = change === 'cleared' ? (alert.clearedAt ?? NaN) : alert.raisedAt;
      const reason =
        alert.clearReason === undefined || alert.clearReason === 'condition' ? '' : ` ${alert.clearReason}`;
      return `${change} ${alert.rule} ${at - START}${reason}`;
    });
  }

  get last(): Alert {
    const last = this.transitions.at(-1);
    if (!last) throw new Error('nothing was said');
    return last.alert;
  }

  private take(): this {
    this.transitions.push(...this.watch.takeTransitions());
    return this;
  }

  private newWatch(): AlertWatch {
    return new AlertWatch({ source: this.source, rules: this.rules, deviceOf: (id) => this.devices.get(id) });
  }
}
