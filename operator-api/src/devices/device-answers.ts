import { ERRORS, type ErrorCode } from '@fieldgate/contracts';
import { z } from 'zod';

const time = z.iso.datetime();
const device = {
  id: z.string(),
  type: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  createdAt: time,
  updatedAt: time,
};
const presence = z.object({
  connected: z.boolean(),
  /** Connected, and subscribed to its commands. */
  commandReady: z.boolean(),
  lastReportedAt: time.optional(),
});
const codes = Object.keys(ERRORS) as ErrorCode[]; // the keys of the table are the codes

export const deviceAnswerSchema = z.object(device);
export const knownDeviceSchema = z.object({ ...device, presence });
export const devicesAnswerSchema = z.object({
  devices: z.array(knownDeviceSchema),
  nextCursor: z.string().optional(),
});

/** `secret` when it was generated: it is shown here and nowhere else. */
const createdSchema = z.object({ ...device, secret: z.string().optional() });
const notCreatedSchema = z.object({
  id: z.string(),
  error: z.object({ code: z.enum(codes), detail: z.string() }),
});
export const createdAnswerSchema = z.union([
  createdSchema,
  z.array(z.union([createdSchema, notCreatedSchema])),
]);
export const newSecretAnswerSchema = z.object({ id: z.string(), secret: z.string().optional() });
