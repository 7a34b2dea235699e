import { z } from 'zod';
import type { LedgerVerified } from './verify-ledger.js';
import type { Suspect } from './verify-partition.js';
import { positionText } from './verify-requests.js';

const missingSchema = z.object({
  deviceId: z.string(),
  topic: z.string(),
  partition: z.number().int(),
  offset: z.number().int(),
  /** When it came into the log. */
  appendedAt: z.iso.datetime(),
  /** These three are not there when the record is not one of ours; the last one not of commands and alerts. */
  id: z.string().optional(),
  time: z.iso.datetime().optional(),
  receivedAt: z.iso.datetime().optional(),
  metrics: z.array(z.string()),
});

export const ledgerVerifiedSchema = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  checked: z.number().int(),
  stored: z.number().int(),
  refused: z.number().int(),
  duplicates: z.number().int(),
  pending: z.number().int(),
  missingTotal: z.number().int(),
  missing: z.array(missingSchema),
  readingsFrom: z.iso
    .datetime()
    .optional()
    .describe('Of readings that came before, some have gone from the log: only the others were compared'),
  next: z.string().optional(),
});

export function ledgerVerifiedAnswer(verified: LedgerVerified): z.output<typeof ledgerVerifiedSchema> {
  const { fromMs, toMs, missing, readingsFromMs, next, ...counts } = verified;
  return {
    from: timeText(fromMs),
    to: timeText(toMs),
    ...counts,
    missing: missing.map(missingAnswer),
    ...(readingsFromMs === undefined ? {} : { readingsFrom: timeText(readingsFromMs) }),
    ...(next === undefined ? {} : { next: positionText(next) }),
  };
}

function missingAnswer(suspect: Suspect): z.output<typeof missingSchema> {
  const { deviceId, topic, partition, offset, appendedMs, id, timeMs, receivedMs, metrics } = suspect;
  return {
    deviceId,
    topic,
    partition,
    offset,
    appendedAt: timeText(appendedMs),
    ...(id === undefined ? {} : { id }),
    ...(timeMs === undefined ? {} : { time: timeText(timeMs) }),
    ...(receivedMs === undefined ? {} : { receivedAt: timeText(receivedMs) }),
    metrics: [...metrics],
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
