import { MAX_RULES_BYTES } from '@fieldgate/alert-rules';
import { acknowledgementSchema, deviceIdSchema, SEVERITIES } from '@fieldgate/contracts';
import { ALERT_STATES, isAlertRule } from '@fieldgate/telemetry-store';
import { z } from 'zod';
import { limitSchema, timeSchema } from '../http/query-schemas.js';

export const alertsQuerySchema = z.strictObject({
  state: z.enum(ALERT_STATES, `must be one of ${ALERT_STATES.join(', ')}`).optional(),
  device: deviceIdSchema.optional(),
  rule: z.string().refine(isAlertRule, 'is neither the name of a rule nor event.<type>').optional(),
  severity: z.enum(SEVERITIES, `must be one of ${SEVERITIES.join(', ')}`).optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  limit: limitSchema(100, 1000),
});
export type AlertsRequest = z.output<typeof alertsQuerySchema>;

/** No body is as good as an empty one. */
export const acknowledgeSchema = z
  .strictObject({ note: acknowledgementSchema.shape.note })
  .nullish()
  .transform((body) => body ?? {});
export type Acknowledge = z.output<typeof acknowledgeSchema>;

const MAX_LISTED = 10_000;

/** As in a query string, or epoch milliseconds as a number. */
const bodyTime = z.union([z.number().transform(String), z.string()]).pipe(timeSchema);

export const testRulesSchema = z.strictObject({
  /** In bytes they are measured with everything else that can be wrong with them. */
  rules: z.string().max(MAX_RULES_BYTES, `has at most ${MAX_RULES_BYTES} bytes`),
  from: bodyTime.optional(),
  to: bodyTime.optional(),
  /** Of alerts in each list. */
  limit: z.number().int().min(1).max(MAX_LISTED).default(1_000),
});
export type TestRulesRequest = z.output<typeof testRulesSchema>;
