import { z } from 'zod';
import { cloudEventSchema, encodeCloudEvent } from '../cloud-event.js';
import { issuesOf } from '../condition-event.js';
import { isRejection, reject, type Rejection } from '../errors.js';
import { parseJson } from '../parse-json.js';

/** An answer's body: JSON where it is JSON, else text, else base64. At most 64 KiB. */
export const commandBodySchema = z.discriminatedUnion('encoding', [
  z.object({ encoding: z.literal('none') }),
  z.object({ encoding: z.literal('json'), json: z.unknown() }),
  z.object({ encoding: z.literal('text'), text: z.string() }),
  z.object({ encoding: z.literal('base64'), base64: z.string() }),
]);
export type CommandBody = z.infer<typeof commandBodySchema>;

export const COMMAND_MODES = ['interactive'] as const;

const common = {
  commandId: z.string(),
  deviceId: z.string(),
  /** Epoch ms, of whoever wrote the step. */
  at: z.number(),
};
const answer = {
  ...common,
  status: z.number().int(),
  body: commandBodySchema,
};
const attempt = { ...common, gateway: z.string(), connection: z.string(), attempt: z.number().int().min(1) };

export const requestedStepSchema = z.object({
  step: z.literal('requested'),
  ...common,
  name: z.string(),
  /** Absent when the operator gave none. */
  params: z.unknown().optional(),
  mode: z.enum(COMMAND_MODES),
  /** How long it may wait to be sent, and then how long the device may take. */
  ttlMs: z.number(),
  timeoutMs: z.number(),
  requestedBy: z.string(),
  /** The connection that the requester saw; an interactive command is for it alone, never for a later one. */
  forConnection: z.string().optional(),
  /** Of the request's body, so that the same Idempotency-Key with another body is noticed. */
  bodyHash: z.string(),
});

/** Every step that a command can take; each is one record of `fieldgate.commands.v1`. */
export const commandStepSchema = z.discriminatedUnion('step', [
  requestedStepSchema,
  /** `qos` of the device's subscription: with 0 there will be no PUBACK. */
  z.object({ step: z.literal('sent'), ...attempt, qos: z.number() }),
  z.object({ step: z.literal('delivered'), ...attempt }),
  z.object({ step: z.literal('in-progress'), ...answer }),
  z.object({ step: z.literal('succeeded'), ...answer }),
  z.object({ step: z.literal('failed'), ...answer }),
  z.object({ step: z.literal('rejected'), ...answer }),
  z.object({ step: z.literal('timed-out'), ...common, detail: z.string() }),
  z.object({ step: z.literal('expired'), ...common, detail: z.string() }),
  z.object({ step: z.literal('undeliverable'), ...common, detail: z.string() }),
  z.object({ step: z.literal('cancelled'), ...common, detail: z.string() }),
]);
export type CommandStep = z.infer<typeof commandStepSchema>;
export type RequestedStep = z.infer<typeof requestedStepSchema>;
export type CommandStepKind = CommandStep['step'];
export type CommandAnswer = Extract<CommandStep, { status: number }>;

/** The step that an answer's status means (see docs/device-guide.md); undefined for any other number. */
export function answerStep(status: number): CommandAnswer['step'] | undefined {
  if (status === 102) return 'in-progress';
  if (status >= 200 && status <= 299) return 'succeeded';
  if (status >= 400 && status <= 499) return 'rejected';
  if (status >= 500 && status <= 599) return 'failed';
  return undefined;
}

const commandRecordSchema = cloudEventSchema.extend({
  type: z.literal('fieldgate.commands.v1'),
  data: commandStepSchema,
});

/** `id` must be unique among the steps of one command. */
export function encodeCommandStep(step: CommandStep, id: string): Uint8Array {
  const at = new Date(step.at).toISOString();
  return encodeCloudEvent({
    specversion: '1.0',
    type: 'fieldgate.commands.v1',
    source: `/commands/${step.commandId}`,
    subject: step.deviceId,
    id,
    time: at,
    receivedtime: at,
    datacontenttype: 'application/json',
    data: step,
  });
}

export function decodeCommandStep(value: Uint8Array): CommandStep | Rejection {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const record = commandRecordSchema.safeParse(parsed.value);
  return record.success ? record.data.data : reject('record-unreadable', issuesOf(record.error));
}
