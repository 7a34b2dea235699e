import { alertSchema, EVENT_STATES, SEVERITIES } from '@fieldgate/contracts';
import { z } from 'zod';
import type { ConditionMemory, ToldCondition } from './judges/conditions.js';
import type { ClockMemory } from './device-clock.js';
import type { JudgeMemory } from './judges/judge.js';

/** What the rules remember of one device, as JSON. */
export interface DeviceMemory {
  readonly version: 1;
  /** Of the registration: another one of the same id is another device. */
  readonly createdAt: number;
  readonly clock: ClockMemory;
  /** The clock of the gateways as `connected` and `disconnected` show it. */
  readonly presenceClock: ClockMemory;
  readonly judges: readonly JudgeMemory[];
  readonly conditions: readonly ConditionMemory[];
  /** Those that came too late, as it seems. */
  readonly late?: readonly ToldCondition[] | undefined;
}

const key = z.tuple([z.number(), z.number().nullable(), z.string()]);

const slot = z.object({ open: alertSchema.optional(), raised: z.array(z.number()) });

const clock = z.object({
  newest: z.tuple([z.number(), z.number()]).optional(),
  behind: z.tuple([z.number(), z.number(), z.number()]).optional(),
});

const held = z.object({
  timeMs: z.number(),
  seq: z.number().optional(),
  id: z.string(),
  receivedMs: z.number(),
  value: z.union([z.number(), z.boolean(), z.string()]),
});

const toldCondition = z.object({
  event: z.string(),
  state: z.enum(EVENT_STATES),
  severity: z.enum(SEVERITIES),
  timeMs: z.number(),
  seq: z.number().optional(),
  id: z.string(),
  receivedMs: z.number(),
  text: z.string(),
});

export const deviceMemorySchema: z.ZodType<DeviceMemory> = z.object({
  version: z.literal(1),
  createdAt: z.number(),
  clock,
  presenceClock: clock,
  judges: z.array(
    z.object({
      rule: z.string(),
      fingerprint: z.string(),
      last: key.optional(),
      held: z.array(held).optional(),
      state: z.unknown().optional(),
      slot,
    }),
  ),
  conditions: z.array(z.object({ event: z.string(), last: key.optional(), slot })),
  late: z.array(toldCondition).optional(),
});

/** What a watch remembers of itself, as JSON. */
export const watchMemorySchema = z.object({
  version: z.literal(1),
  /** None: nothing has arrived yet. */
  clockMs: z.number().optional(),
  rules: z.array(z.object({ rule: z.string(), fingerprint: z.string(), since: z.number() })),
});
