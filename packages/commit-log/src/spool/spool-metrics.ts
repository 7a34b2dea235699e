import { Counter, Gauge } from 'prom-client';
import type { SpoolStatus } from './spool-status.js';

const records = new Counter({
  name: 'fieldgate_spool_records_total',
  help: 'Records of the spool by outcome: spooled (on disk), drained (in the log), dead-letter (the log refused it), lost (not even its dead letter was taken: it is in quarantine)',
  labelNames: ['outcome'] as const,
});
export const spooled = records.labels('spooled');
export const drained = records.labels('drained');
export const deadLetters = records.labels('dead-letter');
export const lost = records.labels('lost');

let status: (() => SpoolStatus) | undefined;

/** A process has one spool, if any. */
export function observeSpool(read: () => SpoolStatus): void {
  status = read;
}

export const spoolState = new Gauge({
  name: 'fieldgate_spool_state',
  help: '1 for the state that the spool is in: direct (empty), spooling (the log is away) or draining',
  labelNames: ['state'] as const,
  collect() {
    const now = status?.();
    if (!now) return;
    for (const state of ['direct', 'spooling', 'draining'] as const)
      this.set({ state }, state === now.state ? 1 : 0);
  },
});

export const spoolFull = gauge(
  'fieldgate_spool_full',
  '1 while the spool takes no more: it is full, its oldest record is too old, or its disk refuses',
  ({ full }) => (full === undefined ? 0 : 1),
);

export const spoolBytes = gauge('fieldgate_spool_bytes', 'Of the spool, on disk', ({ bytes }) => bytes);

export const spoolWaiting = gauge(
  'fieldgate_spool_waiting_records',
  'Records in the spool that are not known to be in the log',
  ({ records: waiting }) => waiting,
);

export const spoolAge = gauge(
  'fieldgate_spool_oldest_seconds',
  'Age of the oldest record in the spool; 0 when it is empty',
  ({ oldestAgeMs }) => (oldestAgeMs ?? 0) / 1_000,
);

function gauge(name: string, help: string, read: (status: SpoolStatus) => number): Gauge {
  return new Gauge({
    name,
    help,
    collect() {
      const now = status?.();
      if (now) this.set(read(now));
    },
  });
}
