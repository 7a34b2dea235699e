import { expect, it } from '@jest/globals';
import { InboundWindow } from './inbound-window.js';

const UNHEARD = { leave: () => undefined };

it('says with which QoS an id waits for its answer', () => {
  const window = new InboundWindow();
  const one = window.add(1, 1, 0);
  expect(window.waitingAs(1)).toBe(1);
  const two = window.add(2, 2, 0);
  expect([window.waitingAs(1), window.waitingAs(2), window.waitingAs(3)]).toEqual([1, 2, undefined]);
  window.settle(two, 0, undefined, UNHEARD);
  expect(window.waitingAs(2)).toBe(2); // it has to wait for the one before it
  window.settle(one, 0, undefined, UNHEARD);
  expect([window.waitingAs(1), window.waitingAs(2)]).toEqual([undefined, undefined]);
});

it('does not look through the whole window for each QoS 2 message', () => {
  const window = new InboundWindow();
  const from = performance.now();
  for (let packetId = 1; packetId <= 65_535; packetId += 1) {
    window.waitingAs(packetId);
    window.add(packetId, 2, 0);
  }
  expect(performance.now() - from).toBeLessThan(1_000); // place by place: 2,000,000,000 looks
});
