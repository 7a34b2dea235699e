import { expect, it } from '@jest/globals';
import { NEVER_EXPIRES } from '@fieldgate/contracts';
import { InboundState } from '@fieldgate/mqtt-edge';
import { UnreleasedIds } from './unreleased-ids.js';

const IDS = new InboundState([5, 6]);
const ended = (deviceId: string, expirySeconds = 60) => ({ deviceId, connection: 'one', expirySeconds });

it('gives ids to the session that goes on from their connection, once', () => {
  const unreleased = new UnreleasedIds('gw-1');
  unreleased.keep(ended('pump-7'), IDS, 0);
  expect(unreleased.take('pump-8', 'one')).toBeUndefined();
  expect(unreleased.take('pump-7', 'one')).toBe(IDS);
  expect(unreleased.take('pump-7', 'one')).toBeUndefined();
  expect(unreleased.size).toBe(0);
});

it.each(['two', undefined])(
  'gives none to a session that goes on from %s, and forgets them',
  (connection) => {
    const unreleased = new UnreleasedIds('gw-1');
    unreleased.keep(ended('pump-7'), IDS, 0);
    expect(unreleased.take('pump-7', connection)).toBeUndefined();
    expect(unreleased.size).toBe(0);
  },
);

it('keeps none of a session that ends with its connection', () => {
  const unreleased = new UnreleasedIds('gw-1');
  unreleased.keep(ended('pump-7', 0), IDS, 0);
  expect(unreleased.size).toBe(0);
});

it('keeps them for as long as the session lasts', () => {
  const unreleased = new UnreleasedIds('gw-1');
  unreleased.keep(ended('pump-7', 60), IDS, 1_000);
  unreleased.keep(ended('pump-8', NEVER_EXPIRES), IDS, 1_000);
  unreleased.forgetExpired(60_999);
  expect(unreleased.size).toBe(4);
  unreleased.forgetExpired(61_000);
  expect(unreleased.size).toBe(2);
  expect(unreleased.take('pump-8', 'one')).toBe(IDS);
});

it('has no more than its maximum: the oldest go first', () => {
  const unreleased = new UnreleasedIds('gw-1', 5);
  for (const deviceId of ['a', 'b', 'a', 'c']) unreleased.keep(ended(deviceId), IDS, 0);
  expect(unreleased.size).toBe(4);
  expect(unreleased.take('b', 'one')).toBeUndefined(); // `a` has been here since
  expect(unreleased.take('a', 'one')).toBe(IDS);
});

it.each([
  ['no session', undefined, 0],
  ['a connection at another gateway', { gateway: 'gw-2', connected: true }, 0],
  ['the end of one there, which may be an older one', { gateway: 'gw-2', connected: false }, 2],
  ['a connection here, which takes them', { gateway: 'gw-1', connected: true }, 2],
])('forgets them or not when the log names %s', (_, record, size) => {
  const unreleased = new UnreleasedIds('gw-1');
  unreleased.keep(ended('pump-7'), IDS, 0);
  unreleased.onSessionRecord('pump-7', record);
  expect(unreleased.size).toBe(size);
});
