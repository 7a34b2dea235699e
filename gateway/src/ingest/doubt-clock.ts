import type { RepeatedLines } from '@fieldgate/service';
import { counts } from '../gateway.metrics.js';
import type { Arrival } from './arrival.js';

/** A `ts` that is not believed: the message is filed under its arrival. Counted each time, and one line for each connection. */
export function doubtClock(
  lines: RepeatedLines,
  { session, publish }: Pick<Arrival, 'session' | 'publish'>,
  claimedMs: number | undefined,
): void {
  if (claimedMs === undefined) return;
  if (publish.isAgain !== true) counts.doubtedTimes += 1;
  if (session.isClockDoubted === true) return;
  session.isClockDoubted = true;
  const { deviceId } = session;
  lines.log('info', `clock ${deviceId}`, { deviceId, ts: claimedMs }, 'clock of a device not believed');
}
