import { isEventType, isMetricName, RULE_NAME, SEVERITIES } from '@fieldgate/contracts';
import { z } from 'zod';
import { durationSchema, spanSchema } from './duration.js';
import { MAX_CHANGES } from '../judges/flapping.js';
import { notificationSchema } from './notification-settings.js';
import type { Rule } from './rule.js';
import { unknownPlaceholders } from './rule-text.js';

export const MAX_RULES = 1_000;
const MAX_NOTIFICATIONS = 50;

const number = z.number('must be a number');
const nameSchema = z
  .string('must be a text')
  .regex(RULE_NAME, 'must be a letter or digit, then up to 63 letters, digits, _ or -');
const metricSchema = z
  .string('must be the name of a metric')
  .refine(isMetricName, 'is not a metric name: a letter or _, then up to 63 letters, digits or _ . : -');
const eventSchema = z
  .string('must be the type of a condition event')
  .refine(isEventType, 'is not a type of condition event');

const textSchema = z
  .string('must be a text')
  .min(1, 'must not be empty; leave it out for the default')
  .max(500, 'must not be longer than 500 characters')
  .superRefine((template, context) => {
    const unknown = unknownPlaceholders(template).map((name) => `{${name}}`);
    if (unknown.length === 0) return;
    const message = `does not know ${unknown.join(' ')}; there are {device} {metric} {event} {value} {limit} {rule} {since} and {label.<name>}`;
    context.addIssue({ code: 'custom', message });
  });

const quoted = z.string('must be a text; put numbers and true or false in quotes');
const oneOrMore = z
  .union(
    [quoted, z.array(quoted).min(1)],
    'must be a text or a list of texts; put numbers and true or false in quotes',
  )
  .transform((given) => (typeof given === 'string' ? [given] : given));

const selectSchema = z.strictObject({
  type: oneOrMore.optional(),
  labels: z.record(z.string(), oneOrMore, 'must be labels, such as { site: north }').optional(),
});

const thresholdSchema = z
  .strictObject({
    above: number.optional(),
    below: number.optional(),
    clearBelow: number.optional(),
    clearAbove: number.optional(),
    for: durationSchema.default(0),
  })
  .transform(({ above, below, clearBelow, clearAbove, for: forMs }, context) => {
    const side = sideOf(above, below, context);
    const isAbove = side?.side === 'above';
    if (!side) return z.NEVER;
    const other = isAbove ? clearAbove : clearBelow;
    const clear = (isAbove ? clearBelow : clearAbove) ?? side.limit;
    if (other !== undefined) {
      const path = isAbove ? 'clearAbove' : 'clearBelow';
      const message = isAbove
        ? 'goes with below; an alert above a limit has clearBelow'
        : 'goes with above; an alert below a limit has clearAbove';
      context.addIssue({ code: 'custom', message, path: [path] });
    }
    if (isAbove ? clear > side.limit : clear < side.limit) {
      const path = isAbove ? 'clearBelow' : 'clearAbove';
      context.addIssue({
        code: 'custom',
        message: `must not be ${isAbove ? 'greater than above' : 'less than below'}: the alert would clear while it is raised`,
        path: [path],
      });
    }
    return { ...side, clear, forMs };
  });

const rateSchema = z
  .strictObject({ above: number.optional(), below: number.optional(), per: spanSchema, over: spanSchema })
  .transform(({ above, below, per, over }, context) => {
    const side = sideOf(above, below, context);
    return side ? { ...side, perMs: per, overMs: over } : z.NEVER;
  });

const absenceSchema = z.strictObject({ after: spanSchema }).transform(({ after }) => ({ afterMs: after }));

const flappingSchema = z
  .strictObject({
    changes: z
      .int('must be a whole number')
      .min(2, 'must be at least 2')
      .max(MAX_CHANGES, `must be at most ${MAX_CHANGES}`),
    within: spanSchema,
  })
  .transform(({ changes, within }) => ({ changes, withinMs: within }));

const ruleSchema = z
  .strictObject({
    name: nameSchema,
    select: selectSchema.optional(),
    metric: metricSchema.optional(),
    event: eventSchema.optional(),
    threshold: thresholdSchema.optional(),
    rate: rateSchema.optional(),
    absence: absenceSchema.optional(),
    flapping: flappingSchema.optional(),
    severity: z.enum(SEVERITIES, `must be one of ${SEVERITIES.join(', ')}`).default('warning'),
    text: textSchema.optional(),
    lateness: durationSchema.optional(),
    notify: z
      .array(z.string('must be the name of a notification'), 'must be a list of notifications')
      .optional(),
  })
  .transform(({ threshold, rate, absence, flapping, metric, event, lateness, ...rest }, context) => {
    const refuse = (message: string): never => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    const kinds = [threshold, rate, absence, flapping].filter((kind) => kind !== undefined);
    if (kinds.length === 0) return refuse('must have one of threshold, rate, absence and flapping');
    if (kinds.length > 1)
      return refuse(
        'must have only one of threshold, rate, absence and flapping; for several write several rules',
      );
    if (event !== undefined && !flapping)
      return refuse('has an event; only flapping can have one, the others have a metric');
    const common = { ...rest, latenessMs: lateness };
    if (absence) return { ...common, kind: 'absence' as const, metric, ...absence };
    if (flapping) {
      if ((metric === undefined) === (event === undefined))
        return refuse('must have either a metric or an event');
      return { ...common, kind: 'flapping' as const, metric, event, ...flapping };
    }
    if (metric === undefined) return refuse('must have a metric');
    if (threshold) return { ...common, kind: 'threshold' as const, metric, ...threshold };
    if (rate) return { ...common, kind: 'rate' as const, metric, ...rate };
    return refuse('must have one of threshold, rate, absence and flapping');
  });

/** The file as it is written; what one part says of another is checked in `rules-file.ts`. */
export const rulesSchema = z
  .strictObject({
    version: z.literal(1, 'must be 1'),
    lateness: durationSchema.default(0),
    rules: z
      .array(ruleSchema, 'must be a list')
      .max(MAX_RULES, `must not be more than ${MAX_RULES}`)
      .default([]),
    conditions: z
      .strictObject({ ignore: z.array(eventSchema, 'must be a list of event types').default([]) })
      .default({ ignore: [] }),
    notifications: z
      .array(notificationSchema, 'must be a list')
      .max(MAX_NOTIFICATIONS, `must not be more than ${MAX_NOTIFICATIONS}`)
      .default([]),
  })
  .transform(({ lateness, rules, conditions, notifications }) => ({
    rules: rules.map((rule): Rule => {
      const full = { ...rule, latenessMs: rule.latenessMs ?? lateness };
      const {
        name: _name,
        select: _select,
        severity: _severity,
        text: _text,
        notify: _notify,
        ...decides
      } = full;
      return { ...full, fingerprint: JSON.stringify(decides) };
    }),
    ignoredConditions: new Set(conditions.ignore),
    notifications,
  }));

function sideOf(
  above: number | undefined,
  below: number | undefined,
  context: z.RefinementCtx,
): { readonly side: 'above' | 'below'; readonly limit: number } | undefined {
  if (above !== undefined && below === undefined) return { side: 'above', limit: above };
  if (below !== undefined && above === undefined) return { side: 'below', limit: below };
  context.addIssue({ code: 'custom', message: 'must have either above or below; for both write two rules' });
  return undefined;
}
