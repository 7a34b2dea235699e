import { z } from 'zod';

const value = z.union([z.number(), z.boolean(), z.string()]);

/** By metric. */
export const latestAnswerSchema = z.object({
  deviceId: z.string(),
  readings: z.record(z.string(), z.object({ value, time: z.iso.datetime() })),
});

/** Points ascending in time: epoch ms, and the value. */
export const seriesAnswerSchema = z.object({
  deviceId: z.string(),
  series: z.array(z.object({ metric: z.string(), points: z.array(z.tuple([z.number().int(), value])) })),
});
