import { beforeEach, describe, expect, it } from '@jest/globals';
import { MembershipLease } from './membership-lease.js';

let nowMs: number;
let lease: MembershipLease;
beforeEach(() => {
  nowMs = 1_000_000;
  lease = new MembershipLease(8_000, () => nowMs);
});

describe('the lease of a group member', () => {
  it('begins with the first good answer, and ends a session timeout after its request was sent', () => {
    expect(lease.isFresh()).toBe(false);
    lease.answered(300);
    expect(lease.isFresh()).toBe(false);
    lease.renew();
    nowMs += 7_699;
    expect(lease.isFresh()).toBe(true);
    nowMs += 1;
    expect(lease.isFresh()).toBe(false);
  });

  it('is not renewed by an answer that has waited while the process was frozen', () => {
    lease.answered(0);
    lease.renew();
    nowMs += 20_000; // SIGSTOP, with a heartbeat on its way
    lease.answered(19_000);
    lease.renew();
    expect(lease.isFresh()).toBe(false);
    lease.answered(5); // the next heartbeat
    lease.renew();
    expect(lease.isFresh()).toBe(true);
  });

  it('is not renewed by an answer that says no', () => {
    lease.answered(0);
    lease.renew();
    nowMs += 5_000;
    lease.answered(0);
    nowMs += 5_000;
    expect(lease.isFresh()).toBe(false);
  });
});
