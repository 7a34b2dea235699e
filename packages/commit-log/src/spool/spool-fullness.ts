import { pause, type Clock, type Logger } from '@fieldgate/service';
import type { DiskSpool } from './disk-spool.js';

export interface FullnessLimits {
  /** Above this the spool takes no more. */
  readonly maxBytes: number;
  /** The same, when the oldest record is older. */
  readonly maxAgeMs: number;
}

export interface FullnessPorts {
  readonly disk: Pick<DiskSpool, 'bytes' | 'oldestMs' | 'probe'>;
  readonly limits: FullnessLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** With each look at the disk. True: look again, also when the disk is well. */
  readonly look: () => boolean;
}

/** Below this part of the limit a spool that was full takes devices in again. */
const ROOMY = 0.9;
const PROBE_EVERY_MS = 1_000;

/** Whether the spool takes more. While it does not, nobody writes: whether there is room again is looked for. */
export class SpoolFullness {
  /** Why it takes no more; undefined while it does. */
  reason: string | undefined;
  private readonly stopping = new AbortController();
  private probing: Promise<void> | undefined;

  constructor(private readonly ports: FullnessPorts) {}

  /** Why nothing more may be written, by what is known of it. */
  overLimit(partOfLimit = 1): string | undefined {
    const { disk, limits, clock } = this.ports;
    if (disk.bytes >= limits.maxBytes * partOfLimit)
      return `the spool has ${disk.bytes} bytes, its limit is ${limits.maxBytes}`;
    const ageMs = disk.oldestMs === undefined ? 0 : clock.now() - disk.oldestMs;
    if (ageMs > limits.maxAgeMs)
      return `the oldest record in the spool is ${Math.round(ageMs / 3_600_000)} hours old`;
    return undefined;
  }

  /** Nothing was written. */
  refused(reason: string): void {
    if (this.reason === undefined)
      this.ports.logger.error({ reason }, 'the spool takes no more: devices are turned away');
    this.reason = reason;
    this.probing ??= this.probe();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.probing;
  }

  private async probe(): Promise<void> {
    const { signal } = this.stopping;
    do {
      await pause(PROBE_EVERY_MS, signal);
      if (signal.aborted) return;
      if (this.reason !== undefined && (await this.hasRoomAgain())) {
        this.reason = undefined;
        this.ports.logger.info('the spool takes records again');
      }
    } while (this.ports.look() || this.reason !== undefined);
    this.probing = undefined;
  }

  private async hasRoomAgain(): Promise<boolean> {
    if (this.overLimit(ROOMY) !== undefined) return false;
    return this.ports.disk.probe().then(
      () => true,
      () => false, // the reason has been told
    );
  }
}
