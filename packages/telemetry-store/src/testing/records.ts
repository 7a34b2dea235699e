import type { Command, EventRecord, Readings, TelemetryRecord } from '@fieldgate/contracts';
import type { StoreRecord } from '../telemetry-store.js';

/** 2026-11-20T21:30:00Z: a whole minute. */
export const T0 = 1_795_210_200_000;

let nextOffset = 0;
let nextDevice = 0;

/** Own for each test: a shared server may hold what others wrote. */
export function freshDevice(): string {
  nextDevice++;
  return `dev-${process.pid}-${Date.now().toString(36)}-${nextDevice}`;
}

/** A telemetry record at the next position of the log. */
export function telemetry(
  deviceId: string,
  readings: Readings,
  more: Partial<TelemetryRecord> & { offset?: number } = {},
): StoreRecord {
  const { offset = nextOffset++, ...fields } = more;
  const timeMs = fields.timeMs ?? T0;
  const record = { deviceId, readings, timeMs, receivedMs: timeMs + 40, id: `id-${offset}`, ...fields };
  return { kind: 'telemetry', at: { topic: 'fieldgate.telemetry.v1', partition: 0, offset }, record };
}

export function event(deviceId: string, more: Partial<EventRecord> = {}): StoreRecord {
  const offset = nextOffset++;
  const timeMs = more.timeMs ?? T0;
  return {
    kind: 'event',
    at: { topic: 'fieldgate.events.v1', partition: 0, offset },
    record: {
      deviceId,
      id: `event-${offset}`,
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
  const offset = nextOffset++;
  const requestedAt = more.requestedAt ?? T0;
  return {
    kind: 'command',
    at: { topic: 'fieldgate.commands.v1', partition: 0, offset },
    record: {
      id: `${deviceId}-command-${offset}`,
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
