import { z } from 'zod';

/** One subscription of a session, as granted. */
export const subscriptionSchema = z.object({
  filter: z.string(),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  /** MQTT 5 subscription options (section 3.8.3.1) and Subscription Identifier. */
  noLocal: z.boolean().optional(),
  retainAsPublished: z.boolean().optional(),
  retainHandling: z.number().int().min(0).max(2).optional(),
  identifier: z.number().int().optional(),
});
export type Subscription = z.infer<typeof subscriptionSchema>;

/** Of a will's payload: it stands in a table that every role keeps in memory. */
export const MAX_WILL_BYTES = 4_096;

/** A will that has not been published and not been taken back (MQTT 5, 3.1.2.5). */
export const sessionWillSchema = z.object({
  topic: z.string(),
  payload: z.base64(),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  contentType: z.string().optional(),
  /** After the end of the connection; the end of the session comes first when it is earlier (MQTT 5, 3.1.3.2.2). */
  delaySeconds: z.number().int(),
});
export type SessionWill = z.infer<typeof sessionWillSchema>;

/**
 * What `fieldgate.sessions.v1` holds per device. The position of the record in the log is the **epoch**: the newest record of a
 * device tells which connection is its session. Times in epoch ms.
 */
export const sessionRecordSchema = z.object({
  deviceId: z.string(),
  gateway: z.string(),
  /** Which run of that gateway: a restart is another. */
  boot: z.string(),
  /** Random; stays the same through all records of one connection. */
  connection: z.string(),
  /** Of the device's registration: one that is registered anew does not inherit the session. */
  creationId: z.string().optional(),
  connected: z.boolean(),
  connectedAt: z.number(),
  /** When and why the connection ended. */
  disconnectedAt: z.number().optional(),
  reason: z.string().optional(),
  protocol: z.enum(['3.1', '3.1.1', '5']),
  keepAliveSeconds: z.number(),
  /** 0 = the session ends with its connection; 0xFFFFFFFF = never (MQTT 5, section 3.1.2.11.2). */
  expirySeconds: z.number(),
  subscriptions: z.array(subscriptionSchema),
  /** Whether this connection went on with an earlier session, as its CONNACK said. */
  resumed: z.boolean().optional(),
  /** While its connection lasts, and after that until it is published: so it outlives its gateway. */
  will: sessionWillSchema.optional(),
});
export type SessionRecord = z.infer<typeof sessionRecordSchema>;

export const NEVER_EXPIRES = 0xffffffff;
/** MQTT 3.1.1 with clean session 0 names no expiry: a day. */
export const V3_SESSION_EXPIRY_SECONDS = 86_400;

/** Whether a session that is not connected may still be resumed at `nowMs`. */
export function isResumable(session: SessionRecord, nowMs: number): boolean {
  if (session.expirySeconds === 0) return false;
  if (session.connected || session.expirySeconds === NEVER_EXPIRES) return true; // connected: its gateway died without a word
  return nowMs < (session.disconnectedAt ?? session.connectedAt) + session.expirySeconds * 1000;
}

/** `fieldgate.gateways.v1`, every 5 s; key `<gateway>/<boot>`. */
export const gatewayHeartbeatSchema = z.object({
  gateway: z.string(),
  boot: z.string(),
  at: z.number(),
  startedAt: z.number(),
  connections: z.number(),
  stopping: z.boolean(),
});
export type GatewayHeartbeat = z.infer<typeof gatewayHeartbeatSchema>;

export const HEARTBEAT_INTERVAL_MS = 5_000;
/** A gateway silent for this long is lost, and with it the connections it held. */
export const GATEWAY_LOST_MS = 15_000;
