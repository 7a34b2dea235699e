import { describe, expect, it } from '@jest/globals';
import { isResumable, NEVER_EXPIRES, type SessionRecord } from './session.js';

const session: SessionRecord = {
  deviceId: 'pump-7',
  gateway: 'gw-1',
  boot: 'b1',
  connection: 'c1',
  connected: false,
  connectedAt: 1_000,
  disconnectedAt: 10_000,
  protocol: '5',
  keepAliveSeconds: 60,
  expirySeconds: 60,
  subscriptions: [],
};

describe('isResumable', () => {
  it('until the expiry interval after the disconnection is over', () => {
    expect(isResumable(session, 69_999)).toBe(true);
    expect(isResumable(session, 70_000)).toBe(false);
  });

  it('never, when the session ends with its connection', () => {
    expect(isResumable({ ...session, expirySeconds: 0 }, 10_000)).toBe(false);
    expect(isResumable({ ...session, expirySeconds: 0, connected: true }, 10_000)).toBe(false);
  });

  it('always, when it never expires, or when its gateway died without a word', () => {
    expect(isResumable({ ...session, expirySeconds: NEVER_EXPIRES }, 1e15)).toBe(true);
    expect(isResumable({ ...session, connected: true }, 1e15)).toBe(true);
  });
});
