import type { LogPosition, LogReader } from '@fieldgate/commit-log';
import {
  decodeAlertStep,
  FieldgateError,
  isRejection,
  type Acknowledgement,
  type Alert,
} from '@fieldgate/contracts';
import { recordsBetween } from './records-between.js';

const TOPIC = 'fieldgate.alerts.v1';
/** The processes that write the topic do not have quite the same time. */
const CLOCKS_DIFFER_MS = 300_000;

export interface FirstAcknowledgement {
  readonly value: Uint8Array;
  readonly acknowledgement: Acknowledgement;
  /** Nobody was before us. */
  readonly isOwn: boolean;
}

/** The acknowledgement of an alert that stands first in the log, up to the one at `own`: every process that looks finds the same. */
export async function firstAcknowledgement(
  reader: LogReader,
  { id, receivedAt }: Alert,
  own: LogPosition,
): Promise<FirstAcknowledgement> {
  const { partition, offset } = own;
  const { earliest = 0 } = (await reader.bounds(TOPIC)).find((each) => each.partition === partition) ?? {};
  const end = offset + 1;
  const times = { fromMs: receivedAt - CLOCKS_DIFFER_MS, toMs: Number.POSITIVE_INFINITY };
  for await (const record of recordsBetween(reader, TOPIC, { partition, earliest, end, ...times })) {
    const { value } = record;
    const decoded = value && decodeAlertStep(value);
    if (!value || !decoded || isRejection(decoded)) continue; // of others, whom this does not concern
    const { step } = decoded;
    if (step.step === 'acknowledged' && step.acknowledgement.alertId === id)
      return { value, acknowledgement: step.acknowledgement, isOwn: record.offset === offset };
  }
  throw new FieldgateError('log-unavailable', 'the acknowledgement can not be read back');
}
