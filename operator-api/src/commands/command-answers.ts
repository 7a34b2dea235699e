import { COMMAND_MODES } from '@fieldgate/contracts';
import { z } from 'zod';
import { COMMAND_STATES } from './command-requests.js';

const time = z.iso.datetime();

export const commandAnswerSchema = z.object({
  id: z.string(),
  deviceId: z.string(),
  name: z.string(),
  params: z.unknown(),
  mode: z.enum(COMMAND_MODES),
  state: z.enum(COMMAND_STATES),
  requestedAt: time,
  ttlSeconds: z.number(),
  timeoutSeconds: z.number(),
  result: z.object({ status: z.number().int(), body: z.unknown().optional() }).optional(),
  /** What the device said after the final state. */
  late: z.object({ at: time, status: z.number().int(), body: z.unknown().optional() }).optional(),
  timeline: z.array(
    z.object({
      state: z.string(),
      at: time,
      detail: z.string().optional(),
      status: z.number().int().optional(),
      body: z.unknown().optional(),
    }),
  ),
});
export const commandsAnswerSchema = z.object({ commands: z.array(commandAnswerSchema) });
