import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import type { ServerResponse } from 'node:http';
import { eventBlocks } from './event-blocks.js';
import type { LiveTopic } from './live-topic.js';
import { positionsText, type Positions } from './stream-positions.js';

/** What may wait for a client that does not read; when there is more, and then something comes, it is dropped. */
const MAX_WAITING_BYTES = 1_048_576;
/** How long something may wait while nothing is taken. Keep-alives are written too, so they find out about a client that has fallen silent. */
const MAX_UNREAD_MS = 30_000;
/** What is read and written at once while a client catches up: much less than may wait, for what lives comes on top. */
const CHUNK = { records: 500, bytes: 131_072 };

/** `slow`: too much waits for it. `unread`: it has taken nothing for too long. */
export type SlowReason = 'slow' | 'unread';

export interface FollowedTopic {
  readonly letter: string;
  readonly event: string;
  readonly live: LiveTopic;
}

/** One client: first what it has missed, straight from the log, and then what comes. Nothing twice, nothing left out. */
export class StreamClient {
  /** Of topics that are still being caught up with; those of the others are the live ones. */
  private readonly behind = new Map<FollowedTopic, Map<number, number>>();
  private readonly listeners = new Map<FollowedTopic, (records: readonly LogRecord[]) => void>();
  /** Since when something waits and nothing was taken. */
  private unreadSinceMs: number | undefined;
  /** False before it is known where the stream begins. */
  private isPlaced = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly topics: readonly FollowedTopic[],
    private readonly parts: {
      readonly reader: LogReader;
      readonly wants: (record: LogRecord) => boolean;
      readonly written: (events: number) => void;
      /** It does not read: it is told to go. */
      readonly tooSlow: (reason: SlowReason) => void;
      readonly monotonic: Clock;
    },
  ) {}

  /** Resolves when it is up to date in all topics, and hears of what comes. */
  async start(from: Positions): Promise<void> {
    if (this.isGone) return;
    for (const topic of this.topics) {
      // a partition that is newer than the id is missing here: all of it is news
      this.behind.set(topic, new Map(from.get(topic.letter) ?? topic.live.positions));
    }
    this.isPlaced = true;
    this.beat('connected');
    for (const topic of this.topics) {
      await this.catchUpAndJoin(topic);
    }
  }

  stop(): void {
    for (const [topic, listener] of this.listeners) topic.live.leave(listener);
    this.listeners.clear();
  }

  /**
   * Tells proxies and timeouts that the connection lives, and the client where the stream stands, which without an event it would not know:
   * it could not go on from there. An event, and not an id alone: that is enough for a browser, but other clients say nothing of it.
   */
  beat(comment: string): void {
    const position = this.isPlaced ? `event: position\ndata: {}\nid: ${this.position}\n` : '';
    this.write(Buffer.from(`: ${comment}\n${position}\n`), 0);
  }

  private get isGone(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** Until nothing lies between the client and the live end. */
  private async catchUpAndJoin(topic: FollowedTopic): Promise<void> {
    const next = this.behind.get(topic) ?? new Map<number, number>();
    const bounds = await this.parts.reader.bounds(topic.live.topic);
    for (const { partition, earliest } of bounds) {
      const from = next.get(partition) ?? earliest;
      if (from < earliest) this.gap(topic, partition, { from, to: earliest });
      next.set(partition, Math.max(from, earliest));
    }
    for (let isBehind = true; isBehind && !this.isGone;) {
      isBehind = false;
      for (const [partition, to] of topic.live.positions) {
        const from = next.get(partition) ?? 0; // newer than `bounds`
        if (from >= to) continue;
        isBehind = true;
        await this.readRange(topic, next, { partition, from, to });
      }
    }
    if (!this.isGone) this.join(topic); // in the same step as the look that found nothing in between
  }

  private async readRange(
    topic: FollowedTopic,
    next: Map<number, number>,
    range: { readonly partition: number; readonly from: number; readonly to: number },
  ): Promise<void> {
    let chunk: LogRecord[] = [];
    let bytes = 0;
    const flush = async (nextOffset: number): Promise<void> => {
      next.set(range.partition, nextOffset);
      this.send(topic, chunk);
      chunk = [];
      bytes = 0;
      if (this.response.writableNeedDrain && !this.isGone) await drainedOrClosed(this.response);
    };
    for await (const record of this.parts.reader.read(topic.live.topic, range)) {
      if (this.isGone) return;
      chunk.push(record);
      bytes += record.value?.length ?? 0;
      if (chunk.length >= CHUNK.records || bytes >= CHUNK.bytes) await flush(record.offset + 1);
    }
    await flush(range.to);
  }

  private join(topic: FollowedTopic): void {
    this.behind.delete(topic);
    const listener = (records: readonly LogRecord[]): void => this.send(topic, records);
    this.listeners.set(topic, listener);
    topic.live.join(listener);
  }

  private send(topic: FollowedTopic, records: readonly LogRecord[]): void {
    const wanted = records.filter(this.parts.wants);
    const blocks = eventBlocks(topic.event, wanted);
    if (blocks) this.write(Buffer.concat([blocks, Buffer.from(`\nid: ${this.position}\n\n`)]), wanted.length);
  }

  /** What was asked for and is no longer kept. */
  private gap(
    topic: FollowedTopic,
    partition: number,
    missing: { readonly from: number; readonly to: number },
  ): void {
    const data = JSON.stringify({ topic: topic.live.topic, partition, ...missing });
    this.write(Buffer.from(`event: gap\ndata: ${data}\n\n`), 1);
  }

  private get position(): string {
    return positionsText(
      new Map(this.topics.map((topic) => [topic.letter, this.behind.get(topic) ?? topic.live.positions])),
    );
  }

  private write(bytes: Buffer, events: number): void {
    if (this.isGone) return;
    // what waited before: one batch may be more than that, and the client had no time to read it
    if (this.response.writableLength > MAX_WAITING_BYTES) return this.parts.tooSlow('slow');
    const now = this.parts.monotonic.now();
    this.unreadSinceMs ??= now;
    this.response.write(bytes, this.taken);
    this.parts.written(events);
    if (now - this.unreadSinceMs >= MAX_UNREAD_MS) this.parts.tooSlow('unread');
  }

  /** The system has taken a write; for what is behind it the time begins anew. */
  private readonly taken = (): void => {
    this.unreadSinceMs = this.response.writableLength === 0 ? undefined : this.parts.monotonic.now();
  };
}

function drainedOrClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done); // a long way to catch up has many waits
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
