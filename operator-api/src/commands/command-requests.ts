import { COMMAND_MODES, deviceIdSchema, isCommandName, isObject, LOG_TOPICS } from '@fieldgate/contracts';
import { z } from 'zod';
import { limitSchema } from '../http/query-schemas.js';

const MAX_PARAMS_BYTES = 65_536;
/** JSON.stringify fails on a few thousand levels, and no device wants as many as these. */
const MAX_PARAMS_DEPTH = 32;
/** A command must be over before its first step leaves the log. */
const MAX_LIFE_SECONDS = LOG_TOPICS['fieldgate.commands.v1'].retentionMs / 1000;

const seconds = z
  .number()
  .min(0.1, 'must be at least 0.1')
  .max(MAX_LIFE_SECONDS, 'must be shorter than 7 days');

const params = z.unknown().superRefine((value, context) => {
  const wrong = wrongParams(value);
  if (wrong !== undefined) context.addIssue(wrong);
});

export const newCommandSchema = z
  .strictObject({
    name: z
      .string()
      .refine(isCommandName, 'a command name is a letter or digit, then up to 63 letters, digits or . _ -'),
    params: params.default({}),
    mode: z
      .enum(
        COMMAND_MODES,
        'must be "interactive": commands that wait for a device ("durable") are not offered yet',
      )
      .default('interactive'),
    /** How long it may wait to be sent; from then on, how long the device may take. */
    ttlSeconds: seconds.default(30),
    timeoutSeconds: seconds.default(30),
  })
  .refine(({ ttlSeconds, timeoutSeconds }) => ttlSeconds + timeoutSeconds < MAX_LIFE_SECONDS, {
    path: ['ttlSeconds'],
    message: 'ttlSeconds and timeoutSeconds together must be shorter than 7 days',
  });
export type NewCommand = z.output<typeof newCommandSchema>;

export const COMMAND_STATES = [
  'requested',
  'sent',
  'delivered',
  'in-progress',
  'succeeded',
  'failed',
  'rejected',
  'timed-out',
  'expired',
  'undeliverable',
  'cancelled',
] as const;

export const commandsQuerySchema = z.strictObject({
  device: deviceIdSchema.optional(),
  state: z.enum(COMMAND_STATES, `must be one of ${COMMAND_STATES.join(', ')}`).optional(),
  limit: limitSchema(100, 1000),
});
export type CommandsRequest = z.output<typeof commandsQuerySchema>;

/** Depth first: only then is it safe to write it out and measure it. */
function wrongParams(value: unknown): string | undefined {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }]; // a stack of our own: 10,000 levels must not end the process
  for (let next = open.pop(); next; next = open.pop()) {
    if (typeof next.value === 'number' && !Number.isFinite(next.value))
      return 'holds a number that is too large';
    if (!isObject(next.value) && !Array.isArray(next.value)) continue;
    if (next.depth >= MAX_PARAMS_DEPTH) return `is nested deeper than ${MAX_PARAMS_DEPTH} levels`;
    for (const child of Object.values(next.value)) open.push({ value: child, depth: next.depth + 1 });
  }
  const bytes = value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
  return bytes <= MAX_PARAMS_BYTES ? undefined : `is ${bytes} bytes of JSON, at most ${MAX_PARAMS_BYTES}`;
}
