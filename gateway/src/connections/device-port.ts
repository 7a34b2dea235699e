import type { DeviceRecord, Rejection, Subscription } from '@fieldgate/contracts';
import type { Holdable } from '../ingest/paced-writer.js';
import type { InboundPublish } from '../ingest/publish.js';
import type { Credentials } from '../sessions/authenticate-device.js';
import type { DeviceSession, DisconnectReason } from '../sessions/device-session.js';
import type { ResumedSession } from '../sessions/newest-sessions.js';

/** What connections ask and tell the rest of the gateway. */
export interface DevicePort {
  authenticate(credentials: Credentials): Promise<DeviceRecord | Rejection>;
  /** Undefined when there is no session to resume. */
  resume(deviceId: string): Promise<ResumedSession | undefined>;
  /** Resolves when the session's record is durable, or the connection is being closed because it cannot be. */
  connected(session: DeviceSession, resumed: ResumedSession | undefined): Promise<void>;
  disconnected(session: DeviceSession, reason: DisconnectReason): void;
  /** Resolve when the subscriptions are durable. */
  subscribed(session: DeviceSession, subscriptions: readonly Subscription[]): Promise<void>;
  unsubscribed(session: DeviceSession, filters: readonly string[]): Promise<void>;
  /** To be called with every PUBLISH, before `ingest`: holds its connection when the log cannot keep up. */
  pace(connection: Holdable): void;
  ingest(session: DeviceSession, publish: InboundPublish): void;
}
