import type { Command, EventRecord, Readings, TelemetryRecord } from '@fieldgate/contracts';
import type { StoreRecord } from '../telemetry-store.js';

/** 2026-11-20T21:30:00Z: a whole minute. */
export const T0 = 1_795_210_200_000;

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

export function event(deviceId: string, more: Partial<EventRecord> = {}): StoreRecord {
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

export function command(deviceId: string, more: Partial<Command> = {}): StoreRecord {
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
