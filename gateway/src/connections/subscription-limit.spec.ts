import { expect, it } from '@jest/globals';
import type { Subscription } from '@fieldgate/contracts';
import { ReasonCode, type SubscriptionRequest } from '@fieldgate/mqtt-edge';
import { answersTo, subscriptionOf } from './subscriptions.js';

function request(filter: string, qos: 0 | 1 | 2 = 1): SubscriptionRequest {
  return { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 };
}

function session(filters: readonly string[]): { deviceId: string; subscriptions: Subscription[] } {
  const subscriptions = filters.map((filter) => subscriptionOf(request(filter), undefined));
  return { deviceId: 'pump-7', subscriptions };
}

const own = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `devices/pump-7/commands/${from + index}`);

it('grants a device what is its own, and says of the rest why not', () => {
  const filters = [
    'devices/pump-7/#',
    'devices/pump-8/#',
    '$share/all/devices/pump-7/#',
    '#',
    'devices/pump-7/x',
  ];
  const { codes, granted, reasonString } = answersTo(
    session([]),
    filters.map((filter, index) => request(filter, index === 0 ? 2 : 0)),
  );
  expect(codes).toEqual([
    ReasonCode.grantedQos2,
    ReasonCode.notAuthorized,
    ReasonCode.sharedSubscriptionsNotSupported,
    ReasonCode.notAuthorized,
    ReasonCode.success,
  ]);
  expect(granted.map(({ filter }) => filter)).toEqual(['devices/pump-7/#', 'devices/pump-7/x']);
  expect(reasonString).toBe(
    'A device may subscribe below devices/pump-7/ only. Shared subscriptions are not served: subscribe to devices/pump-7/commands/# itself.',
  );
});

it('grants a hundred, counts a filter once, and names the limit to who wants more', () => {
  const requests = own(60, 50).map((filter) => request(filter)); // ten of them again
  const { codes, granted, reasonString } = answersTo(session(own(60)), requests);
  expect(codes.filter((code) => code === ReasonCode.quotaExceeded)).toHaveLength(10);
  expect(granted).toHaveLength(50);
  expect(codes.at(-1)).toBe(ReasonCode.quotaExceeded);
  expect(reasonString).toContain('at most 100 subscriptions');
});

it('keeps one subscription of a filter that stands there many times, the last', () => {
  const filter = 'devices/pump-7/commands/#';
  const { codes, granted } = answersTo(session([]), [
    request(filter, 0),
    request(filter, 2),
    request(filter, 1),
  ]);
  expect(codes).toEqual([0, 2, 1]);
  expect(granted).toEqual([request(filter, 1)]);
});

it('looks at no more than a hundred filters of one SUBSCRIBE', () => {
  const requests = Array.from({ length: 102 }, () => request('devices/pump-7/commands/#'));
  const { codes, granted } = answersTo(session([]), requests);
  expect(codes.slice(98)).toEqual([1, 1, ReasonCode.quotaExceeded, ReasonCode.quotaExceeded]);
  expect(granted).toHaveLength(1);
});

it('grants no more characters than a record should hold', () => {
  const long = (end: string) => request(`devices/pump-7/${'x'.repeat(10_000)}${end}`);
  const { codes } = answersTo(session([]), [long('1'), long('2'), request('devices/pump-7/commands/#')]);
  expect(codes).toEqual([ReasonCode.grantedQos1, ReasonCode.quotaExceeded, ReasonCode.grantedQos1]);
});
