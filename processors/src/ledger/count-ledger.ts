import { FieldgateError, type StoredTopic } from '@fieldgate/contracts';
import type { CommitLog, LogBatch, PartitionBounds } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { STORAGE } from '../consumer-groups.js';
import type { DeviceFold } from './device-fold.js';
import { LedgerLane, type RegisteredDevices } from './ledger-lane.js';
import { showTotals } from './ledger-totals.js';
import type { StoragePlace } from './waiting-for-store.js';
import { WatchLosses } from './watch-losses.js';

export interface LedgerTuning {
  /** Between two checkpoints of a partition, and so much more for each device that has changed. */
  readonly checkpointMs: number;
  readonly checkpointMsPerDevice: number;
  /** How often the log is asked how far it reaches and how far the storage group has come. */
  readonly lookMs: number;
}

export const LEDGER_TUNING: LedgerTuning = { checkpointMs: 5_000, checkpointMsPerDevice: 5, lookMs: 2_000 };

const STORED = ['fieldgate.telemetry.v1', 'fieldgate.events.v1'] as const;

interface Held {
  readonly lane: LedgerLane;
  checkpointedMs: number;
}

/** The ledger of the partitions that this process holds. */
export class CountLedger {
  private readonly held = new Map<number, Held>();
  private lookedMs = Number.NEGATIVE_INFINITY;
  private isLooking = false;
  private readonly losses: WatchLosses;
  /** How far the storage group had come when it was looked at the last time. */
  private passed = new Map<StoredTopic, ReadonlyMap<number, number>>();

  constructor(
    private readonly parts: {
      readonly log: CommitLog;
      readonly devices: RegisteredDevices;
      readonly clock: Clock;
      readonly monotonic: Clock;
      readonly logger: Logger;
    },
    private readonly tuning: LedgerTuning = LEDGER_TUNING,
  ) {
    this.losses = new WatchLosses(parts.monotonic, parts.logger);
  }

  /** Counted, and in the log with the next checkpoint: until then the records are counted again after a crash. */
  async follow(batch: LogBatch): Promise<void> {
    const { lane } = await this.heldBy(batch);
    await lane.inTurn(() => lane.follow(batch.records));
  }

  /** To be called by a timer. While the log is away nothing could be read or written. */
  async due(): Promise<void> {
    const { log, monotonic, logger } = this.parts;
    for (const [partition, { lane }] of this.held) if (!lane.assignment.isHeld()) this.held.delete(partition);
    if (log.problem() !== undefined || this.isLooking) return;
    if (monotonic.now() - this.lookedMs < this.tuning.lookMs) return;
    this.lookedMs = monotonic.now();
    this.isLooking = true;
    try {
      await this.look();
    } catch (error) {
      if (!(error instanceof FieldgateError) || !error.retriable) throw error;
      logger.warn({ err: error }, 'ledger not written'); // the next look tries again
    } finally {
      this.isLooking = false;
    }
    showTotals(this.devices());
    this.losses.look(this.devices());
  }

  /** Before an orderly stop, so that the next start has nothing to count again. */
  async checkpoint(): Promise<void> {
    await Promise.all(
      [...this.held.values()]
        .filter(({ lane: { assignment } }) => assignment.isHeld() && assignment.isAlone())
        .map(({ lane }) => lane.inTurn(() => lane.checkpoint())),
    );
  }

  private async heldBy(batch: LogBatch): Promise<Held> {
    const known = this.held.get(batch.partition);
    if (known?.lane.assignment === batch.assignment) return known;
    this.held.delete(batch.partition);
    await known?.lane.inTurn(async () => undefined); // what it still writes comes before what is read now
    const lane = await LedgerLane.recover(batch, this.parts);
    const held = { lane, checkpointedMs: this.parts.monotonic.now() };
    this.held.set(batch.partition, held);
    return held;
  }

  private async look(): Promise<void> {
    const { log, devices } = this.parts;
    const { reader } = log;
    const stored = await Promise.all(
      STORED.map(async (topic) => {
        const committed = await reader.committed(STORAGE.group, topic);
        return { topic, committed, bounds: await reader.bounds(topic) };
      }),
    );
    const ends = new Map(stored[0]?.bounds.map(({ partition, end }) => [partition, end]));
    const places = stored.map(({ topic, committed, bounds }) => ({
      topic,
      reached: placesOf(bounds, committed, this.passed.get(topic)),
    }));
    await Promise.all(
      [...this.held].map(async ([partition, held]) => {
        const { lane } = held;
        await lane.inTurn(async () => {
          if (!lane.assignment.isHeld() || !lane.assignment.isAlone()) return;
          await lane.followSide(ends.get(partition) ?? 0);
          for (const { topic, reached } of places) lane.storedUpTo(topic, reached);
          await lane.dropAllBut(devices);
          await this.checkpointWhenDue(held);
        });
      }),
    );
    this.passed = new Map(stored.map(({ topic, committed }) => [topic, committed]));
  }

  private async checkpointWhenDue(held: Held): Promise<void> {
    const { checkpointMs, checkpointMsPerDevice } = this.tuning;
    const now = this.parts.monotonic.now();
    if (now - held.checkpointedMs < checkpointMs + checkpointMsPerDevice * held.lane.changes) return;
    await held.lane.checkpoint();
    held.checkpointedMs = now;
  }

  private *devices(): IterableIterator<DeviceFold> {
    for (const { lane } of this.held.values()) yield* lane.devices.values();
  }
}

function placesOf(
  bounds: readonly PartitionBounds[],
  committed: ReadonlyMap<number, number>,
  before: ReadonlyMap<number, number> = committed,
): Map<number, StoragePlace> {
  return new Map(
    bounds.map(({ partition, earliest }) => {
      const now = committed.get(partition) ?? 0; // a new group begins at the earliest
      return [partition, { committed: now, before: before.get(partition) ?? 0, earliest }];
    }),
  );
}
