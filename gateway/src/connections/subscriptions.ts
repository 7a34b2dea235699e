import type { Subscription } from '@fieldgate/contracts';
import { ReasonCode, type SubscriptionRequest } from '@fieldgate/mqtt-edge';
import type { DeviceSession } from '../sessions/device-session.js';
import { maySubscribe } from '../sessions/topic-access.js';

const GRANTED = [ReasonCode.success, ReasonCode.grantedQos1, ReasonCode.grantedQos2] as const;

/** Of one session: a device needs one or two, and all of them stand in its record in the log. */
const MAXIMUM = 100;
/** UTF-16 units of all their filters. */
const MAXIMUM_LENGTH = 16_384;

export interface SubscriptionAnswers {
  /** What SUBACK says to each filter. */
  readonly codes: readonly ReasonCode[];
  /** One for each filter. */
  readonly granted: readonly SubscriptionRequest[];
  /** Of those that would exceed a limit; undefined: none would. */
  readonly reasonString: string | undefined;
}

/** What becomes of a SUBSCRIBE of this session. */
export function answersTo(
  { deviceId, subscriptions }: Pick<DeviceSession, 'deviceId' | 'subscriptions'>,
  requests: readonly SubscriptionRequest[],
): SubscriptionAnswers {
  const filters = new Set(subscriptions.map(({ filter }) => filter));
  let length = [...filters].reduce((sum, filter) => sum + filter.length, 0);
  const codes = requests.map(({ filter, qos }, index) => {
    if (index >= MAXIMUM) return ReasonCode.quotaExceeded; // unseen: a packet may cost no more time than others can wait
    if (!maySubscribe(deviceId, filter)) return refusalOf(filter);
    if (filters.has(filter)) return GRANTED[qos];
    if (filters.size >= MAXIMUM || length + filter.length > MAXIMUM_LENGTH) return ReasonCode.quotaExceeded;
    filters.add(filter);
    length += filter.length;
    return GRANTED[qos];
  });
  const granted = requests.filter((_, index) => (codes[index] ?? 0) < ReasonCode.unspecifiedError);
  return {
    codes,
    granted: [...new Map(granted.map((request) => [request.filter, request])).values()], // the last one of a filter counts
    reasonString: codes.includes(ReasonCode.quotaExceeded)
      ? `a device has at most ${MAXIMUM} subscriptions, with filters of ${MAXIMUM_LENGTH} characters in all`
      : undefined,
  };
}

function refusalOf(filter: string): ReasonCode {
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
