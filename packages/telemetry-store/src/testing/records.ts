import {
  alertIdOf,
  type Alert,
  type Command,
  type EventRecord,
  type Readings,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import type { StoreRecord } from '../telemetry-store.js';

/** 2026-11-20T21:30:00Z: a whole minute. */
export const T0 = 1_795_210_200_000;

type Of<K extends StoreRecord['kind']> = Extract<StoreRecord, { kind: K }>;

let nextNumber = 0;
let nextDevice = 0;

/** Own for each test: a shared server may hold what others wrote. */
export function freshDevice(): string {
  nextDevice++;
  return `dev-${process.pid}-${Date.now().toString(36)}-${nextDevice}`;
}

/** A telemetry record with an id of its own. */
export function telemetry(
  deviceId: string,
  readings: Readings,
  more: Partial<TelemetryRecord> = {},
): StoreRecord {
  const timeMs = more.timeMs ?? T0;
  const record = { deviceId, readings, timeMs, receivedMs: timeMs + 40, id: `id-${nextNumber++}`, ...more };
  return { kind: 'telemetry', record };
}

export function event(deviceId: string, more: Partial<EventRecord> = {}): Of<'event'> {
  const number = nextNumber++;
  const timeMs = more.timeMs ?? T0;
  return {
    kind: 'event',
    record: {
      deviceId,
      id: `event-${number}`,
      timeMs,
      receivedMs: timeMs + 40,
      event: 'overheat',
      state: 'raised',
      severity: 'warning',
      ...more,
    },
  };
}

export function command(deviceId: string, more: Partial<Command> = {}): Of<'command'> {
  const number = nextNumber++;
  const requestedAt = more.requestedAt ?? T0;
  return {
    kind: 'command',
    record: {
      id: `${deviceId}-command-${number}`,
      deviceId,
      name: 'restart',
      params: { delay: 1 },
      mode: 'interactive',
      state: 'succeeded',
      ttlMs: 1_000,
      timeoutMs: 1_000,
      requestedAt,
      requestedBy: 'admin',
      bodyHash: 'hash',
      result: { status: 200, body: { encoding: 'json', json: { ok: true } } },
      timeline: [
        { state: 'requested', at: requestedAt },
        {
          state: 'succeeded',
          at: requestedAt + 20,
          status: 200,
          body: { encoding: 'json', json: { ok: true } },
        },
      ],
      ...more,
    },
  };
}

/** An alert that is open; its steps are `raised(…)`, `escalated(…)`, `cleared(…)` and `acknowledged(…)` of it. */
export function alert(deviceId: string, more: Partial<Alert> = {}): Alert {
  const { rule = 'too-hot', raisedAt = T0 } = more;
  return {
    id: alertIdOf(deviceId, rule, raisedAt),
    deviceId,
    rule,
    kind: 'threshold',
    severity: 'warning',
    text: `${deviceId}: temperature is 81, limit 80`,
    metric: 'temperature',
    value: 81,
    peak: 81,
    limit: 80,
    since: raisedAt - 1_000,
    raisedAt,
    receivedAt: raisedAt + 40,
    ...more,
  };
}

export function raised(open: Alert): StoreRecord {
  return { kind: 'alert', record: { step: 'raised', alert: open } };
}

export function escalated(open: Alert, more: Partial<Alert> = {}): StoreRecord {
  const worse = { severity: 'critical', escalatedAt: open.raisedAt + 10_000, ...more } as const;
  return { kind: 'alert', record: { step: 'escalated', alert: { ...open, ...worse } } };
}

export function cleared(open: Alert, more: Partial<Alert> = {}): StoreRecord {
  const ended = { clearedAt: open.raisedAt + 60_000, clearReason: 'condition', ...more } as const;
  return { kind: 'alert', record: { step: 'cleared', alert: { ...open, ...ended } } };
}

export function acknowledged(
  open: Alert,
  { by = 'admin', note }: { readonly by?: string; readonly note?: string } = {},
): StoreRecord {
  const acknowledgement = {
    alertId: open.id,
    at: open.raisedAt + 30_000,
    by,
    ...(note === undefined ? {} : { note }),
  };
  return { kind: 'alert', record: { step: 'acknowledged', alert: open, acknowledgement } };
}
