import { z } from 'zod';
import { cloudEventSchema, deviceSource, encodeCloudEvent } from '../cloud-event.js';
import { isRejection, reject, type Rejection } from '../errors.js';
import { parseJson } from '../parse-json.js';

const count = z.number().int().nonnegative();

/**
 * What a gateway has counted of one connection. All but `messages` are records: an array or a pack counts as what it holds. What is received
 * is sooner or later one of the others: `received = acknowledged + unanswered + unasked + dropped + answers + refused`.
 */
export const ledgerCountersSchema = z.object({
  /** PUBLISHes. */
  messages: count,
  received: count,
  /** QoS 1 and 2: in the log, and the device was told so. */
  acknowledged: count,
  /** QoS 1 and 2: not answered, because the log was away or the connection had ended. The device sends it again. */
  unanswered: count,
  /** In the log, and nobody waits for an answer: QoS 0, and wills of any QoS. */
  unasked: count,
  /** QoS 0: lost because the log was away. */
  dropped: count,
  /** Answers to commands: steps of commands in the log, whatever their QoS. */
  answers: count,
  /** By error code; all but `topic-forbidden` are dead letters. */
  refused: z.record(z.string(), count),
});
export type LedgerCounters = z.infer<typeof ledgerCountersSchema>;

/** `data` of a record of `fieldgate.ledger.v1`. The counters are of the whole connection so far: a report that is lost costs nothing. */
export const ledgerReportSchema = z.object({
  connection: z.string(),
  gateway: z.string(),
  /** Which run of that gateway. */
  boot: z.string(),
  /** Counts the reports of one connection from 1. */
  number: count,
  /** When the connection began, and up to when it is counted; epoch ms. */
  from: z.number(),
  to: z.number(),
  /** The connection has ended, and everything is counted. */
  final: z.boolean(),
  /** Why it has ended. */
  reason: z.string().optional(),
  counters: ledgerCountersSchema,
});
export type LedgerReport = z.infer<typeof ledgerReportSchema>;

const recordSchema = cloudEventSchema.extend({
  type: z.literal('fieldgate.ledger.v1'),
  data: ledgerReportSchema,
});

export function encodeLedgerReport(deviceId: string, report: LedgerReport): Uint8Array {
  const at = new Date(report.to).toISOString();
  return encodeCloudEvent({
    specversion: '1.0',
    type: 'fieldgate.ledger.v1',
    source: deviceSource(deviceId),
    subject: deviceId,
    id: `${report.connection}-${report.number}`,
    time: at,
    receivedtime: at,
    gateway: report.gateway,
    connection: report.connection,
    datacontenttype: 'application/json',
    data: report,
  });
}

export function decodeLedgerReport(value: Uint8Array): LedgerReport | Rejection {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const record = recordSchema.safeParse(parsed.value);
  return record.success
    ? record.data.data
    : reject('record-unreadable', 'not a fieldgate.ledger.v1 CloudEvent');
}
