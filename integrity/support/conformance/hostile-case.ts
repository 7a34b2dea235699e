import type { HostileTarget } from './hostile-target.js';

/** What one or two sockets can do to a gateway. */
export interface HostileCase {
  readonly id: string;
  /** What the attacker does, and after a colon what becomes of it. */
  readonly title: string;
  /** Rejects when a promise is broken; that the others are served is for the caller to see. */
  attack(target: HostileTarget): Promise<void>;
}
