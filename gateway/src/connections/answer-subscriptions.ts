import {
  ReasonCode,
  type Connection,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@fieldgate/mqtt-edge';
import type { Logger } from '@fieldgate/service';
import type { CloseReason, DeviceSession } from '../sessions/device-session.js';
import type { ConnectionLines } from './connection-lines.js';
import type { DevicePort } from './device-port.js';
import { answersTo, subscriptionOf } from './subscriptions.js';

/** The connection that the answers go to. */
export interface Subscribing {
  readonly mqtt: Pick<Connection, 'suback' | 'unsuback'>;
  readonly around: {
    readonly port: Pick<DevicePort, 'subscribed' | 'unsubscribed'>;
    readonly lines: Pick<ConnectionLines, 'subscriptionRefused'>;
    readonly logger: Logger;
  };
  close(reason: CloseReason): boolean;
}

export function answerSubscribe(
  to: Subscribing,
  session: DeviceSession,
  { packetId, subscriptions, properties }: SubscribePacket,
): void {
  const identifier = properties.subscriptionIdentifiers?.[0];
  const { codes, granted, refused, reasonString } = answersTo(session, subscriptions);
  to.around.lines.subscriptionRefused(session.deviceId, refused);
  const durable =
    granted.length === 0
      ? Promise.resolve()
      : to.around.port.subscribed(
          session,
          granted.map((request) => subscriptionOf(request, identifier)),
        );
  whenDurable(to, session, durable, () => to.mqtt.suback(packetId, codes, { reasonString }));
}

export function answerUnsubscribe(
  to: Subscribing,
  session: DeviceSession,
  { packetId, filters }: UnsubscribePacket,
): void {
  const existing = new Set(session.subscriptions.map(({ filter }) => filter));
  const answers = filters.map((filter) =>
    existing.has(filter) ? ReasonCode.success : ReasonCode.noSubscriptionExisted,
  );
  const durable = answers.includes(ReasonCode.success)
    ? to.around.port.unsubscribed(session, filters)
    : Promise.resolve();
  whenDurable(to, session, durable, () => to.mqtt.unsuback(packetId, answers));
}

/** What a device believes in must be in the log: when it cannot be written, the device shall connect and ask again. */
function whenDurable(
  to: Subscribing,
  { deviceId }: DeviceSession,
  written: Promise<void>,
  answer: () => void,
): void {
  written.then(answer, (error: unknown) => {
    to.around.logger.warn({ deviceId, err: error }, 'subscription not recorded');
    to.close('log-unavailable');
  });
}
