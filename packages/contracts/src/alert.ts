import { z } from 'zod';
import { cloudEventSchema, deviceSource, encodeCloudEvent } from './cloud-event.js';
import { issuesOf, SEVERITIES } from './condition-event.js';
import { isRejection, reject, type Rejection } from './errors.js';
import { parseJson } from './parse-json.js';

/** What an alert is about: four kinds of rule, and the condition that a device told of itself. */
export const ALERT_KINDS = ['threshold', 'rate', 'absence', 'flapping', 'condition'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Why an alert ended: its condition did, or what it was about is no more. */
export const CLEAR_REASONS = ['condition', 'rule-removed', 'not-selected', 'device-deleted'] as const;
export type ClearReason = (typeof CLEAR_REASONS)[number];

/** Rules are named like this; an alert about a device's own condition has the rule `event.<type>`, which no rule can be named. */
export const RULE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function conditionRule(eventType: string): string {
  return `event.${eventType}`;
}

/** Made of what raised it, so that a replay makes the same: `pump-7~too-hot~1795210200123`. */
export function alertIdOf(deviceId: string, rule: string, raisedAt: number): string {
  return `${deviceId}~${rule}~${raisedAt}`;
}

/** Times in epoch ms. `raisedAt`, `since`, `escalatedAt` and `clearedAt` are device time (arrival, where the device's clock is not believed). */
export const alertSchema = z.object({
  id: z.string(),
  deviceId: z.string(),
  rule: z.string(),
  kind: z.enum(ALERT_KINDS),
  severity: z.enum(SEVERITIES),
  text: z.string(),
  metric: z.string().optional(),
  event: z.string().optional(),
  /** What raised it: a reading, a rate, a count of changes. Absent for absence and conditions. */
  value: z.union([z.number(), z.boolean(), z.string()]).optional(),
  /** The most extreme value while it was open, late readings included. */
  peak: z.number().optional(),
  limit: z.number().optional(),
  /** From when on the condition held; not later than `raisedAt`. */
  since: z.number(),
  raisedAt: z.number(),
  /** When what raised it arrived. */
  receivedAt: z.number(),
  /** When its severity rose last. */
  escalatedAt: z.number().optional(),
  clearedAt: z.number().optional(),
  clearReason: z.enum(CLEAR_REASONS).optional(),
});
export type Alert = Readonly<z.infer<typeof alertSchema>>;

export const acknowledgementSchema = z.object({
  alertId: z.string(),
  /** Epoch ms. */
  at: z.number(),
  by: z.string(),
  note: z.string().max(1000).optional(),
});
export type Acknowledgement = Readonly<z.infer<typeof acknowledgementSchema>>;

/**
 * A record of `fieldgate.alerts.v1`. Each step of an alert comes once in its life, `escalated` once for each severity above the first one; the
 * same one again is a duplicate.
 */
export const alertStepSchema = z.discriminatedUnion('step', [
  z.object({ step: z.literal('raised'), alert: alertSchema }),
  z.object({ step: z.literal('escalated'), alert: alertSchema }),
  z.object({ step: z.literal('cleared'), alert: alertSchema }),
  z.object({ step: z.literal('acknowledged'), alert: alertSchema, acknowledgement: acknowledgementSchema }),
]);
export type AlertStep = Readonly<z.infer<typeof alertStepSchema>>;

/** Unique within the device: the step of an alert. */
export function alertStepId({ step, alert }: AlertStep): string {
  return step === 'escalated' ? `${alert.id}~${step}~${alert.severity}` : `${alert.id}~${step}`;
}

const alertRecordSchema = cloudEventSchema.extend({
  type: z.literal('fieldgate.alerts.v1'),
  data: alertStepSchema,
});

/** `atMs`: the clock of whoever writes it, `receivedtime`; `time` is the device's, but of an acknowledgement. */
export function encodeAlertStep(step: AlertStep, atMs: number): Uint8Array {
  return encodeCloudEvent({
    specversion: '1.0',
    type: 'fieldgate.alerts.v1',
    source: deviceSource(step.alert.deviceId),
    subject: step.alert.deviceId,
    id: alertStepId(step),
    time: new Date(timeOf(step)).toISOString(),
    receivedtime: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    data: step,
  });
}

function timeOf(step: AlertStep): number {
  switch (step.step) {
    case 'raised':
      return step.alert.raisedAt;
    case 'escalated':
      return step.alert.escalatedAt ?? step.alert.raisedAt;
    case 'cleared':
      return step.alert.clearedAt ?? step.alert.raisedAt;
    case 'acknowledged':
      return step.acknowledgement.at;
  }
}

/** A step, and when it was written (epoch ms). */
export interface AlertStepRecord {
  readonly id: string;
  readonly step: AlertStep;
  readonly writtenMs: number;
}

export function decodeAlertStep(value: Uint8Array): AlertStepRecord | Rejection {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const record = alertRecordSchema.safeParse(parsed.value);
  if (!record.success) return reject('record-unreadable', issuesOf(record.error));
  const { id, receivedtime, data } = record.data;
  return { id, step: data, writtenMs: Date.parse(receivedtime) };
}

/**
 * A row of `fieldgate.alert-states.v1`. `<device>/<rule>`: the alert that is open now, written by the alerts group, a tombstone when it is cleared.
 * `<device>/<rule>/acknowledged`: the newest acknowledgement, written by the operator API; it counts for the alert that it names only.
 * `~rules`: the rules in force.
 */
export const alertStateRowSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), alert: alertSchema }),
  z.object({ kind: z.literal('acknowledged'), acknowledgement: acknowledgementSchema }),
  z.object({
    kind: z.literal('rules'),
    /** The YAML that is in force; none when there is no rules file. */
    text: z.string(),
    loadedAt: z.number(),
    /** Why a newer file is not in force. */
    problem: z.string().optional(),
  }),
]);
export type AlertStateRow = Readonly<z.infer<typeof alertStateRowSchema>>;

export const RULES_ROW_KEY = '~rules';

export function openAlertKey(deviceId: string, rule: string): string {
  return `${deviceId}/${rule}`;
}

export function acknowledgementKey(deviceId: string, rule: string): string {
  return `${deviceId}/${rule}/acknowledged`;
}
