import type { DeviceLedger, LogCounts, SequenceLedger } from './device-ledger.js';
import type { LedgerCounters } from './ledger-report.js';

type ByCode = Readonly<Record<string, number>>;

/** Of a device that has sent nothing. */
export function noLedger(deviceId: string): DeviceLedger {
  return {
    kind: 'device',
    deviceId,
    connections: [],
    earlier: {
      connections: 0,
      incomplete: 0,
      unaccounted: 0,
      open: [],
      log: noLogCounts(),
      counters: noCounters(),
    },
    others: noLogCounts(),
    sequence: { restarts: 0, gaps: [], closed: [], unlisted: 0 },
    ids: '',
    since: 0,
    next: {
      'fieldgate.telemetry.v1': 0,
      'fieldgate.events.v1': 0,
      'fieldgate.dead-letters.v1': 0,
      'fieldgate.ledger.v1': 0,
    },
  };
}

export function noLogCounts(): LogCounts {
  const none = { inLog: 0, duplicates: 0, rewritten: 0, late: 0, stored: 0, notStored: 0 };
  return { ...none, deadLetters: {}, waiting: [] };
}

export function noCounters(): LedgerCounters {
  const none = { messages: 0, received: 0, acknowledged: 0, unanswered: 0, unasked: 0, dropped: 0 };
  return { ...none, answers: 0, refused: {} };
}

export function sumOfCounters(one: LedgerCounters, two: LedgerCounters): LedgerCounters {
  return combined(one, two, (a, b) => a + b);
}

/** `all` without `some` that are among them. */
export function counterDifference(all: LedgerCounters, some: LedgerCounters): LedgerCounters {
  return combined(all, some, (a, b) => Math.max(0, a - b));
}

export function sumOfLogs(one: LogCounts, two: LogCounts): LogCounts {
  return {
    inLog: one.inLog + two.inLog,
    duplicates: one.duplicates + two.duplicates,
    rewritten: one.rewritten + two.rewritten,
    late: one.late + two.late,
    stored: one.stored + two.stored,
    notStored: one.notStored + two.notStored,
    deadLetters: byCode(one.deadLetters, two.deadLetters, (a, b) => a + b),
    waiting: one.waiting.concat(two.waiting),
  };
}

export function sumByCode(records: ByCode): number {
  return Object.values(records).reduce((sum, count) => sum + count, 0);
}

/** In the store: what the storage group is past, without what it has refused. That may be told before it is past it, and twice. */
export function storedRecords({ stored, notStored }: Pick<LogCounts, 'stored' | 'notStored'>): number {
  return Math.max(0, stored - notStored);
}

/** Numbers that a device has counted and that never came; where they are any, at most what can be written as an integer. */
export function missingSeq({
  gaps,
  closed,
  unlisted,
}: Pick<SequenceLedger, 'gaps' | 'closed' | 'unlisted'>): number {
  const missing = gaps.concat(closed).reduce((sum, { from, to }) => sum + to - from + 1, unlisted);
  return Math.min(missing, Number.MAX_SAFE_INTEGER);
}

function combined(
  one: LedgerCounters,
  two: LedgerCounters,
  combine: (a: number, b: number) => number,
): LedgerCounters {
  return {
    messages: combine(one.messages, two.messages),
    received: combine(one.received, two.received),
    acknowledged: combine(one.acknowledged, two.acknowledged),
    unanswered: combine(one.unanswered, two.unanswered),
    unasked: combine(one.unasked, two.unasked),
    dropped: combine(one.dropped, two.dropped),
    answers: combine(one.answers, two.answers),
    refused: byCode(one.refused, two.refused, combine),
  };
}

function byCode(one: ByCode, two: ByCode, combine: (a: number, b: number) => number): Record<string, number> {
  const all: Record<string, number> = { ...one };
  for (const [code, records] of Object.entries(two)) all[code] = combine(all[code] ?? 0, records);
  return all;
}
