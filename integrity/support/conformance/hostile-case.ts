import type { HostileTarget } from './hostile-target.js';

/** What one or two sockets can do to a server. */
export interface HostileCase {
  readonly id: string;
  /** What the attacker does, and after a colon what becomes of it. */
  readonly title: string;
  /** Has a meaning only where clients log in, or only where they may do everything; by default everywhere. */
  readonly only?: 'log-in' | 'open';
  /** Rejects when a promise is broken; that the others are served is for the caller to see. */
  attack(target: HostileTarget): Promise<void>;
}
