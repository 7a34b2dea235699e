import { expect, it } from '@jest/globals';
import { Inbox } from '../../testing/inbox.js';
import type { BrokerRequests } from '../protocol/broker-connection.js';
import { LeaderLane } from './leader-lane.js';
import { queueOfOne } from '../../testing/queue-of-one.js';

it('closes a connection that is there only after it was stopped, and sends nothing on it', async () => {
  const heard = new Inbox<string>();
  const connection: BrokerRequests = {
    usable: true,
    destroy: () => heard.push('destroyed'),
    ask: () => {
      heard.push('asked');
      return Promise.reject(new Error('not asked for'));
    },
  };
  let open: ((connection: BrokerRequests) => void) | undefined;
  const lane = new LeaderLane(() => new Promise((resolve) => void (open = resolve)), 60_000, {
    answered: () => heard.push('answered'),
    unanswered: () => heard.push('unanswered'),
  });
  lane.offer(queueOfOne());
  while (open === undefined) await new Promise(setImmediate);
  lane.stop();
  open(connection);
  expect(await heard.count(2)).toEqual(['destroyed', 'unanswered']);
});
