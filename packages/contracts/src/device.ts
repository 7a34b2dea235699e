import { z } from 'zod';

/** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`: fits an MQTT topic level, a Kafka key, a URL segment and an InfluxDB tag as it is. */
export type DeviceId = string & { readonly __brand: 'DeviceId' };

const DEVICE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const deviceIdSchema = z
  .string()
  .regex(DEVICE_ID, 'a device id is a letter or digit, then up to 63 letters, digits or . _ -')
  .transform((id) => id as DeviceId);

export function isDeviceId(text: string): text is DeviceId {
  return DEVICE_ID.test(text);
}

export const labelsSchema = z.record(
  z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/,
      'a label name is a letter or _, then up to 62 letters, digits or _ . -',
    ),
  z.string().max(256),
);

/** What the registry topic `fieldgate.devices.v1` holds about a device; a tombstone deletes it. */
export const deviceRecordSchema = z.object({
  id: deviceIdSchema,
  type: z.string().min(1).max(64).optional(),
  labels: labelsSchema.default({}),
  /** `sha256$salt$hash`, both base64url: the secret itself is nowhere kept. */
  secret: z.string().startsWith('sha256$'),
  /** Epoch ms. */
  createdAt: z.number(),
  updatedAt: z.number(),
  /** Random; tells two registrations of the same id apart, so that the first one wins. */
  creationId: z.string(),
  /** Counts changes of the secret: a connection made with an older one is closed. */
  secretVersion: z.number().int(),
});
export type DeviceRecord = z.infer<typeof deviceRecordSchema>;

/** Three facts that are often confused. Times in epoch ms. */
export interface Presence {
  /** A network connection exists, as far as its gateway knows. */
  readonly connected: boolean;
  /** Connected, and subscribed to its commands. */
  readonly commandReady: boolean;
  readonly lastReportedAt?: number;
}
