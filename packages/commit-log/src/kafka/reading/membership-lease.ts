/**
 * How long the coordinator cannot have given our partitions to anybody else: a session timeout from when the last request was *sent* that it
 * then answered well. From the answer it would be wrong: a process that is frozen finds answers of long ago when it wakes up, and must
 * not believe that it is still a member. The clock is monotonic: it goes on while the process stands.
 */
export class MembershipLease {
  private provenAt = Number.NEGATIVE_INFINITY;
  private lastSentAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly sessionTimeoutMs: number,
    private readonly monotonicMs: () => number,
  ) {}

  /** A request of the membership has been answered, well or not. */
  answered(ageMs: number): void {
    this.lastSentAt = this.monotonicMs() - Math.max(0, ageMs);
  }

  /** That answer said that we are a member. */
  renew(): void {
    this.provenAt = this.lastSentAt;
  }

  isFresh(): boolean {
    return this.monotonicMs() - this.provenAt < this.sessionTimeoutMs;
  }
}
