import { deviceTopicPrefix, type ErrorCode, type Subscription } from '@fieldgate/contracts';
import { ReasonCode, type SubscriptionRequest } from '@fieldgate/mqtt-edge';
import type { DeviceSession } from '../sessions/device-session.js';
import { maySubscribe } from '../sessions/topic-access.js';

const GRANTED = [ReasonCode.success, ReasonCode.grantedQos1, ReasonCode.grantedQos2] as const;

/** Of one session: a device needs one or two, and all of them stand in its record in the log. */
const MAXIMUM = 100;
/** UTF-16 units of all their filters. */
const MAXIMUM_LENGTH = 16_384;

/** Of the filters that were refused, by the code: the first, and how many. */
export type RefusedFilters = ReadonlyMap<ErrorCode, { readonly filter: string; readonly count: number }>;

export interface SubscriptionAnswers {
  /** What SUBACK says to each filter. */
  readonly codes: readonly ReasonCode[];
  /** One for each filter. */
  readonly granted: readonly SubscriptionRequest[];
  readonly refused: RefusedFilters;
  /** What to do about those; undefined: there are none. */
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
    ...refusalsOf(deviceId, requests, codes),
  };
}

function refusalsOf(
  deviceId: string,
  requests: readonly SubscriptionRequest[],
  codes: readonly ReasonCode[],
): Pick<SubscriptionAnswers, 'refused' | 'reasonString'> {
  const refused = new Map<ErrorCode, { filter: string; count: number }>();
  for (const [index, { filter }] of requests.entries()) {
    const code = ERROR_CODES.get(codes[index] ?? ReasonCode.success);
    if (code === undefined) continue;
    const others = refused.get(code);
    if (others) others.count += 1;
    else refused.set(code, { filter, count: 1 });
  }
  const texts = [...refused.keys()].map((code) => whatToDo(code, deviceId));
  return { refused, reasonString: texts.length === 0 ? undefined : texts.join(' ') };
}

const ERROR_CODES: ReadonlyMap<ReasonCode, ErrorCode> = new Map([
  [ReasonCode.notAuthorized, 'topic-forbidden'],
  [ReasonCode.sharedSubscriptionsNotSupported, 'shared-subscription'],
  [ReasonCode.quotaExceeded, 'too-many-subscriptions'],
]);

function whatToDo(code: ErrorCode, deviceId: string): string {
  if (code === 'topic-forbidden') return `A device may subscribe below ${deviceTopicPrefix(deviceId)} only.`;
  if (code === 'shared-subscription')
    return `Shared subscriptions are not served: subscribe to ${deviceTopicPrefix(deviceId)}commands/# itself.`;
  return `A device has at most ${MAXIMUM} subscriptions, with filters of ${MAXIMUM_LENGTH} characters in all.`;
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
