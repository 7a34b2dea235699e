import type { Subscription } from '@fieldgate/contracts';
import { ReasonCode, type SubscriptionRequest } from '@fieldgate/mqtt-edge';
import { maySubscribe } from '../sessions/topic-access.js';

const GRANTED = [ReasonCode.success, ReasonCode.grantedQos1, ReasonCode.grantedQos2] as const;

/** What SUBACK says to one filter of a device. */
export function answerTo(deviceId: string, { filter, qos }: SubscriptionRequest): ReasonCode {
  if (maySubscribe(deviceId, filter)) return GRANTED[qos];
  return filter.startsWith('$share/') ? ReasonCode.sharedSubscriptionsNotSupported : ReasonCode.notAuthorized;
}

/** As it stands in the session record; `identifier` is the Subscription Identifier of its SUBSCRIBE. */
export function subscriptionOf(request: SubscriptionRequest, identifier: number | undefined): Subscription {
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = request;
  return {
    filter,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    ...(identifier === undefined ? {} : { identifier }),
  };
}
