import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import type { Clock, Logger } from '@fieldgate/service';
import { Gauge } from 'prom-client';
import type { Follow, LogReader, PartitionBounds } from '../log-reader.js';

/** Much longer than one that works needs for a record, or to find another leader. */
const STANDS_STILL_MS = 30_000;

const lag = new Gauge({
  name: 'fieldgate_log_follow_lag_records',
  help: 'Records in the log that what this process keeps in memory of a topic does not hold yet, of the follow that is furthest behind',
  labelNames: ['topic'],
});

const standstill = new Gauge({
  name: 'fieldgate_log_follow_standstill_seconds',
  help: 'For how long what this process keeps in memory of a topic has been behind the end of the log and has not come nearer',
  labelNames: ['topic'],
});

/** A partition that is behind the end of the log, and has been at the same offset since. */
interface Standstill {
  readonly nextOffset: number;
  readonly since: number;
}

/** By partition. */
type Standstills = ReadonlyMap<number, Standstill>;

/**
 * How far what this process follows (its tables, the commands, live streams) is behind the end of the log; and whether any of it does not come
 * nearer although the log answers: what it tells from memory is old then, and nothing else shows it.
 */
export class FollowLag {
  private topics: ReadonlySet<LogTopic> = new Set();
  private standing = new Map<Follow, Standstills>();
  private found: string | undefined;
  private isSaid = false;
  private lookedAt: number | undefined;

  /** `clock` must be monotonic. */
  constructor(
    private readonly reader: LogReader,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** As of the last `look`: one sentence for /readyz. */
  problem(): string | undefined {
    return this.found;
  }

  /** To be called every few seconds. A log that does not tell its ends has a check of its own; that time is not counted. */
  async look(): Promise<void> {
    const follows = this.reader.follows();
    const topics = new Set(follows.map(({ topic }) => topic));
    this.forgetAllBut(topics);
    const ends = await this.ends(topics);
    const now = this.clock.now();
    const sinceLastMs = now - (this.lookedAt ?? now);
    this.lookedAt = now;
    const before = this.standing;
    this.standing = new Map();
    this.found = undefined;
    for (const follow of follows)
      if (!ends.has(follow.topic)) {
        standstill.set({ topic: follow.topic }, 0);
        this.standing.set(follow, later(before.get(follow), sinceLastMs));
      }
    for (const [topic, bounds] of ends) {
      const ofTopic = follows.filter((follow) => follow.topic === topic);
      lag.set({ topic }, Math.max(...ofTopic.map((follow) => lagOf(follow, bounds))));
      let longestMs = 0;
      for (const follow of ofTopic) {
        const standing = compared(follow, bounds, now, before.get(follow));
        this.standing.set(follow, standing);
        for (const { since } of standing.values()) longestMs = Math.max(longestMs, now - since);
      }
      standstill.set({ topic }, longestMs / 1_000);
      if (longestMs >= STANDS_STILL_MS)
        this.found = `${topic}: what is in memory has not come nearer to the end of the log for ${Math.round(longestMs / 1_000)} s`;
    }
    this.say(ends.size === topics.size);
  }

  private say(isAllTold: boolean): void {
    if (this.found !== undefined && !this.isSaid) {
      this.isSaid = true;
      this.logger.warn({ problem: this.found }, 'what is kept in memory of the log stands still');
    } else if (this.found === undefined && this.isSaid && isAllTold) {
      this.isSaid = false;
      this.logger.info('what is kept in memory of the log goes on');
    }
  }

  private forgetAllBut(topics: ReadonlySet<LogTopic>): void {
    for (const topic of this.topics) {
      if (topics.has(topic)) continue;
      lag.remove({ topic });
      standstill.remove({ topic });
    }
    this.topics = topics;
  }

  private async ends(
    topics: ReadonlySet<LogTopic>,
  ): Promise<ReadonlyMap<LogTopic, readonly PartitionBounds[]>> {
    const ends = new Map<LogTopic, readonly PartitionBounds[]>();
    for (const topic of topics)
      try {
        ends.set(topic, await this.reader.bounds(topic));
      } catch (error) {
        if (!(error instanceof FieldgateError) || !error.retriable) throw error;
      }
    return ends;
  }
}

function later(standing: Standstills | undefined, byMs: number): Standstills {
  return new Map(
    [...(standing ?? [])].map(([partition, { nextOffset, since }]) => [
      partition,
      { nextOffset, since: since + byMs },
    ]),
  );
}

function compared(
  follow: Follow,
  bounds: readonly PartitionBounds[],
  now: number,
  before: Standstills | undefined,
): Standstills {
  const standing = new Map<number, Standstill>();
  for (const { partition, end } of bounds) {
    const nextOffset = follow.nextOffset(partition);
    if (nextOffset === undefined || nextOffset >= end) continue;
    const last = before?.get(partition);
    standing.set(partition, { nextOffset, since: last?.nextOffset === nextOffset ? last.since : now });
  }
  return standing;
}

function lagOf(follow: Follow, bounds: readonly PartitionBounds[]): number {
  return bounds.reduce((sum, { partition, end }) => {
    const nextOffset = follow.nextOffset(partition);
    return nextOffset === undefined ? sum : sum + Math.max(0, end - nextOffset);
  }, 0);
}
