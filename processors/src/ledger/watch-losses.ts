import { losses, type DeviceLedger } from '@fieldgate/contracts';
import type { Clock, Logger } from '@fieldgate/service';

const STAYS_MS = 60_000;
/** Whoever looks into the log of the last hour finds every device that misses something. */
const AGAIN_MS = 3_600_000;
/** With each look: a log that was lost as a whole must not fill the disk. */
const MOST_LINES = 10;

interface Loss {
  /** ms of the monotonic clock. */
  sinceMs: number;
  /** So many it was all the time since then. */
  records: number;
  told?: { readonly records: number; readonly atMs: number };
}

/**
 * Says of which connections records are not found, when that stays: a report may be read before the records that it is about. Those may wait in
 * a spool: nobody here knows, so it is no alarm yet.
 */
export class WatchLosses {
  private known = new Map<string, Loss>();

  constructor(
    private readonly monotonic: Clock,
    private readonly logger: Logger,
  ) {}

  /** To be called every few seconds. */
  look(devices: Iterable<{ ledger(): Pick<DeviceLedger, 'deviceId' | 'connections' | 'earlier'> }>): void {
    const now = this.monotonic.now();
    const still = new Map<string, Loss>();
    let lines = 0;
    for (const device of devices) {
      const ledger = device.ledger();
      for (const { connection = 'earlier', records } of losses(ledger)) {
        const name = `${ledger.deviceId}/${connection}`;
        const loss = this.known.get(name) ?? { sinceMs: now, records };
        still.set(name, loss);
        loss.records = Math.min(loss.records, records);
        if (now - loss.sinceMs < STAYS_MS || lines >= MOST_LINES) continue;
        if (isNew(loss, now)) {
          lines += 1;
          loss.told = { records: loss.records, atMs: now };
          const line = { deviceId: ledger.deviceId, connection, records: loss.records };
          this.logger.warn(line, 'records are not found in the log');
        }
        loss.sinceMs = now;
        loss.records = records;
      }
    }
    this.known = still; // of the others all was found, or they are elsewhere now
  }
}

function isNew({ records, told }: Loss, now: number): boolean {
  return told === undefined || records > told.records || now - told.atMs >= AGAIN_MS;
}
