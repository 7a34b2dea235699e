import { z } from 'zod';
import { claimedTime, cloudEventSchema, deviceSource, encodeCloudEvent } from './cloud-event.js';
import { isRejection, reject, type Rejection } from './errors.js';
import { jsonFault } from './json-fault.js';
import { isObject, parseJson } from './parse-json.js';
import { messageIdentity } from './telemetry/parse-telemetry.js';
import type { EventIdentity } from './telemetry/telemetry-record.js';

export const EVENT_STATES = ['raised', 'cleared', 'info'] as const;
/** Events that only the gateway and `presence` may tell: a device that publishes one is refused. */
export const PRESENCE_EVENTS: readonly string[] = ['connected', 'disconnected'];

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type EventState = (typeof EVENT_STATES)[number];
export type Severity = (typeof SEVERITIES)[number];

/** The payload of `devices/{id}/events/{type}`. */
export interface ConditionMessage {
  readonly state: EventState;
  readonly severity: Severity;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly ts?: number;
  readonly seq?: number;
  readonly id?: string;
}

/** What `parseConditionEvent` takes, beside `ts`, `seq` and `id`. */
export const conditionPayloadSchema = z.object({
  state: z.enum(EVENT_STATES),
  severity: z.enum(SEVERITIES).default('info'),
  details: z.record(z.string(), z.unknown()).optional(),
});

export function parseConditionEvent(payload: Uint8Array): ConditionMessage | Rejection {
  const parsed = parseJson(payload);
  if (isRejection(parsed)) return parsed;
  if (!isObject(parsed.value)) return reject('payload-shape', 'expected a JSON object');
  const identity = messageIdentity(parsed.value);
  if (isRejection(identity)) return identity;
  const condition = conditionPayloadSchema.safeParse(parsed.value);
  if (!condition.success) return reject('payload-shape', wrongCondition(condition.error));
  const { details, ...rest } = condition.data;
  const wrong = wrongDetails(details);
  if (wrong) return wrong;
  return { ...rest, ...(details === undefined ? {} : { details }), ...identity };
}

const CONDITION_RULES: Readonly<Record<keyof z.infer<typeof conditionPayloadSchema>, string>> = {
  state: '"state" must be raised, cleared or info',
  severity: '"severity" must be info, warning or critical, or be left out',
  details: '"details" must be an object, or be left out',
};

function wrongCondition({ issues }: z.ZodError): string {
  const members = new Set(issues.map(({ path: [member] }) => member));
  return Object.entries(CONDITION_RULES)
    .filter(([member]) => members.has(member))
    .map(([, rule]) => rule)
    .join('; ');
}

/** Issues of zod as one line: `state: Invalid option …; severity: …`. */
export function issuesOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'payload'}: ${issue.message}`).join('; ');
}

const MAX_DETAILS_DEPTH = 8;

/** Details are kept as they are: only what JSON could not carry on, and what is too deep, is refused. */
function wrongDetails(details: unknown): Rejection | undefined {
  const fault = jsonFault(details, MAX_DETAILS_DEPTH);
  if (fault === 'too-deep') return reject('payload-too-deep');
  return fault && reject('value-not-finite', 'a number in details is not finite');
}

/** A record of `fieldgate.events.v1`: a device's condition, or `connected` / `disconnected`. */
export interface EventRecord {
  readonly deviceId: string;
  readonly id: string;
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly event: string;
  readonly state: EventState;
  readonly severity: Severity;
  readonly seq?: number;
  readonly details?: Readonly<Record<string, unknown>>;
  /** The connection that the device told it over; what is told of a device has none. */
  readonly connection?: string;
}

/** `data` of a record of `fieldgate.events.v1`. */
export const eventDataSchema = z.object({
  event: z.string().min(1),
  state: z.enum(EVENT_STATES),
  severity: z.enum(SEVERITIES),
  seq: z.number().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

const eventRecordSchema = cloudEventSchema.extend({
  type: z.literal('fieldgate.events.v1'),
  data: eventDataSchema,
});

export interface NewEvent {
  readonly deviceId: string;
  readonly event: string;
  readonly state: EventState;
  readonly severity: Severity;
  readonly seq?: number;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly gatewayId?: string;
  readonly connection?: string;
}

export function encodeEvent(event: NewEvent, identity: EventIdentity, receivedMs: number): Uint8Array {
  return encodeCloudEvent({
    specversion: '1.0',
    type: 'fieldgate.events.v1',
    source: deviceSource(event.deviceId),
    subject: event.deviceId,
    id: identity.id,
    time: new Date(identity.timeMs).toISOString(),
    receivedtime: new Date(receivedMs).toISOString(),
    ...(identity.claimedMs === undefined ? {} : { devicetime: claimedTime(identity.claimedMs) }),
    ...(event.gatewayId === undefined ? {} : { gateway: event.gatewayId }),
    ...(event.connection === undefined ? {} : { connection: event.connection }),
    datacontenttype: 'application/json',
    data: {
      event: event.event,
      state: event.state,
      severity: event.severity,
      ...(event.seq === undefined ? {} : { seq: event.seq }),
      ...(event.details === undefined ? {} : { details: event.details }),
    },
  });
}

export function decodeEvent(value: Uint8Array): EventRecord | Rejection {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const record = eventRecordSchema.safeParse(parsed.value);
  if (!record.success) return reject('record-unreadable', issuesOf(record.error));
  const { subject, id, time, receivedtime, connection, data } = record.data;
  const times = { timeMs: Date.parse(time), receivedMs: Date.parse(receivedtime) };
  return { deviceId: subject, id, ...times, ...(connection === undefined ? {} : { connection }), ...data };
}
