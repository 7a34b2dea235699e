import { z } from 'zod';

const timestamp = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'must be an RFC 3339 time');

/** CloudEvents 1.0 in the JSON format (https://github.com/cloudevents/spec, sections 2 and 3.1): the value of every record. */
export const cloudEventSchema = z.object({
  specversion: z.literal('1.0'),
  type: z.string(),
  source: z.string(),
  subject: z.string(),
  id: z.string(),
  /** RFC 3339, UTC: when it happened. */
  time: timestamp,
  /** RFC 3339, UTC: when the gateway, processor or API took it. */
  receivedtime: timestamp,
  /** The device's own claim, when it was not believed. */
  devicetime: z.string().optional(),
  gateway: z.string().optional(),
  /** The connection that the device said it over, as in its session record; an extension attribute (section 3.1.1: lower-case letters). */
  connection: z.string().optional(),
  datacontenttype: z.literal('application/json'),
  data: z.unknown(),
});
export type CloudEvent = z.infer<typeof cloudEventSchema>;

export const CLOUD_EVENT_CONTENT_TYPE = 'application/cloudevents+json';

/** `source` of everything that a device said, and of everything that happened to it. */
export function deviceSource(deviceId: string): string {
  return `/devices/${deviceId}`;
}

/**
 * An id for what came without one: a sequence of a gateway's run, and a number. No device's own begins with a tilde, so it is known that such a
 * message can not come again under the same id.
 */
export function mintedId(sequence: string, number: number): string {
  return `~${sequence}-${number.toString(36)}`;
}

/** Readings of one device and millisecond may stand in the same place of a store when their numbers are so far apart (decision 0015). */
export const MINTED_PLACES = 333_333;

export function isMinted(id: string): boolean {
  return id.startsWith('~');
}

const DAY_MS = 86_400_000;
const BELIEVED_PAST_MS = 30 * DAY_MS;
const BELIEVED_FUTURE_MS = 5 * 60_000;

/** A device's clock is believed from 30 days back to 5 minutes ahead of arrival; an unbelievable one never refuses a reading. */
export function isBelievable(claimedMs: number, arrivedMs: number): boolean {
  return claimedMs >= arrivedMs - BELIEVED_PAST_MS && claimedMs <= arrivedMs + BELIEVED_FUTURE_MS;
}

/** RFC 3339 where a Date can hold the claim (±8.64e15 ms), else the number as text: the claim is kept either way. */
export function claimedTime(claimedMs: number): string {
  return Math.abs(claimedMs) <= 8.64e15 ? new Date(claimedMs).toISOString() : String(claimedMs);
}

/** One event as the bytes of a record; cold paths. Telemetry has writers of its own: `PlainTelemetry`, `encodeTelemetry`. */
export function encodeCloudEvent(event: CloudEvent): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}
