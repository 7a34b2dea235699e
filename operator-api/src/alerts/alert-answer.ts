import { ALERT_KINDS, CLEAR_REASONS, SEVERITIES } from '@fieldgate/contracts';
import { ALERT_STATES, alertStateOf, type StoredAlert } from '@fieldgate/telemetry-store';
import { z } from 'zod';

const time = z.iso.datetime();

/** An alert as the API shows it. */
export const alertAnswerSchema = z.object({
  id: z.string(),
  deviceId: z.string(),
  rule: z.string(),
  kind: z.enum(ALERT_KINDS),
  severity: z.enum(SEVERITIES),
  state: z.enum(ALERT_STATES),
  text: z.string(),
  metric: z.string().optional(),
  event: z.string().optional(),
  value: z.union([z.number(), z.boolean(), z.string()]).optional(),
  peak: z.number().optional(),
  limit: z.number().optional(),
  since: time,
  raisedAt: time,
  receivedAt: time,
  escalatedAt: time.optional(),
  clearedAt: time.optional(),
  clearReason: z.enum(CLEAR_REASONS).optional(),
  acknowledged: z.object({ at: time, by: z.string(), note: z.string().optional() }).optional(),
});
export type AlertAnswer = Readonly<z.infer<typeof alertAnswerSchema>>;

export const alertsAnswerSchema = z.object({ alerts: z.array(alertAnswerSchema) });

export function alertAnswer(alert: StoredAlert): AlertAnswer {
  const { id, deviceId, rule, kind, severity, text, since, raisedAt, receivedAt } = alert;
  const { metric, event, value, peak, limit, escalatedAt, clearedAt, clearReason, acknowledgement } = alert;
  return {
    id,
    deviceId,
    rule,
    kind,
    severity,
    state: alertStateOf(alert),
    text,
    ...(metric === undefined ? {} : { metric }),
    ...(event === undefined ? {} : { event }),
    ...(value === undefined ? {} : { value }),
    ...(peak === undefined ? {} : { peak }),
    ...(limit === undefined ? {} : { limit }),
    since: rfc3339(since),
    raisedAt: rfc3339(raisedAt),
    receivedAt: rfc3339(receivedAt),
    ...(escalatedAt === undefined ? {} : { escalatedAt: rfc3339(escalatedAt) }),
    ...(clearedAt === undefined ? {} : { clearedAt: rfc3339(clearedAt) }),
    ...(clearReason === undefined ? {} : { clearReason }),
    ...(acknowledgement === undefined
      ? {}
      : { acknowledged: { ...acknowledgement, at: rfc3339(acknowledgement.at) } }),
  };
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
