import { counts } from '../gateway.metrics.js';
import { SessionCounters } from '../ledger/session-counters.js';
import type { DeviceSession } from '../sessions/device-session.js';
import type { Arrival } from './arrival.js';
import type { InboundPublish } from './publish.js';

export function count(kind: keyof typeof counts.publishes, { isAgain }: InboundPublish): void {
  if (!isAgain) counts.publishes[kind] += 1;
}

export function countersOf(session: DeviceSession): SessionCounters {
  return (session.counters ??= new SessionCounters());
}

/** So many records of a message are durable; it is answered now. */
export function taken({ session, publish, topic }: Arrival, records: number): void {
  const counters = countersOf(session);
  if (topic === 'fieldgate.commands.v1') counters.answers += records;
  else if (publish.qos === 0 || publish.isWill) counters.unasked += records;
  else if (session.closed) counters.unanswered += records;
  else counters.acknowledged += records;
}

/** The log is away. */
export function unavailable(arrival: Arrival, records: number): void {
  untaken(arrival, records);
  arrival.publish.settle('unavailable');
}

export function untaken({ session, publish }: Arrival, records: number): void {
  const counters = countersOf(session);
  if (publish.qos === 0) counters.dropped += records;
  else counters.unanswered += records;
}
