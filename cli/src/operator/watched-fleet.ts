import { z } from 'zod';
import { counted, tableOf } from './table.js';

/** As it came: `event` is the kind, `data` a CloudEvent. */
export interface StreamedEvent {
  readonly event: string;
  readonly data: string;
}

const cloudEventSchema = z.object({ subject: z.string(), time: z.string(), data: z.unknown() });
const telemetrySchema = z.object({ readings: z.record(z.string(), z.unknown()) });
const conditionSchema = z.object({ event: z.string(), state: z.string() });
const alertSchema = z.object({
  step: z.string(),
  alert: z.object({ id: z.string(), severity: z.string(), text: z.string() }),
});
const commandSchema = z.object({ step: z.string(), name: z.string().optional() });

interface Seen {
  time: string;
  messages: number;
  readings: Map<string, unknown>;
  last: string;
  readonly alerts: Map<string, string>;
}

/** Devices kept at most; the one not heard of for longest goes. */
const MOST_DEVICES = 10_000;

/** What was heard of each device since the watch began, and whether it still goes on. */
export class WatchedFleet {
  private readonly devices = new Map<string, Seen>();
  private events = 0;
  private outage: { readonly sinceMs: number; readonly reason: string } | undefined;

  constructor(private readonly now: () => number) {}

  connected(): void {
    this.outage = undefined;
  }

  lost(reason: string): void {
    this.outage = { sinceMs: this.now(), reason };
  }

  take({ event, data }: StreamedEvent): void {
    const record = cloudEventSchema.safeParse(jsonOf(data));
    if (!record.success) return; // `gap` and what a newer gateway may say
    const { subject, time } = record.data;
    const seen = this.seen(subject);
    this.events += 1;
    seen.time = time;
    noted(seen, event, record.data.data);
  }

  /** A head and at most as many lines as there is room for, those with alerts first. */
  lines(room: number): string[] {
    const rows = [...this.devices]
      .toSorted(([a, left], [b, right]) => right.alerts.size - left.alerts.size || (a < b ? -1 : 1))
      .slice(0, Math.max(1, room - 3))
      .map(([id, { time, messages, readings, last, alerts }]) => [
        id,
        time.slice(11, 23),
        messages,
        [...alerts.values()].join(', ') || undefined,
        last || undefined,
        [...readings].map(([name, value]) => `${name}=${String(value)}`).join(' '),
      ]);
    const head = `${counted(this.devices.size, 'device')} heard of, ${counted(this.events, 'event')}. Ctrl-C ends.`;
    const lost =
      this.outage &&
      `Not connected since ${new Date(this.outage.sinceMs).toISOString().slice(11, 19)}, trying again: ${this.outage.reason}`;
    return [
      head,
      lost ?? '',
      ...tableOf(['DEVICE', 'TIME', 'MESSAGES', 'ALERTS', 'LAST', 'READINGS'], rows).split('\n'),
    ];
  }

  private seen(id: string): Seen {
    const known = this.devices.get(id);
    if (known) {
      this.devices.delete(id); // and in again: the first in the map is the one not heard of for longest
      this.devices.set(id, known);
      return known;
    }
    const oldest = this.devices.keys().next();
    if (this.devices.size >= MOST_DEVICES && !oldest.done) this.devices.delete(oldest.value);
    const seen: Seen = { time: '', messages: 0, readings: new Map(), last: '', alerts: new Map() };
    this.devices.set(id, seen);
    return seen;
  }
}

function noted(seen: Seen, event: string, data: unknown): void {
  switch (event) {
    case 'telemetry': {
      seen.messages += 1;
      const readings = telemetrySchema.safeParse(data).data?.readings ?? {};
      for (const [name, value] of Object.entries(readings)) seen.readings.set(name, value);
      return;
    }
    case 'event': {
      const condition = conditionSchema.safeParse(data).data;
      if (condition) seen.last = `${condition.event} ${condition.state}`;
      return;
    }
    case 'alert': {
      const step = alertSchema.safeParse(data).data;
      if (!step) return;
      if (step.step === 'cleared') seen.alerts.delete(step.alert.id);
      else seen.alerts.set(step.alert.id, `${step.alert.severity}: ${step.alert.text}`);
      return;
    }
    case 'command': {
      const step = commandSchema.safeParse(data).data;
      if (step) seen.last = `command ${step.name ?? ''} ${step.step}`.replace('  ', ' ');
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says that it is none
  }
}
