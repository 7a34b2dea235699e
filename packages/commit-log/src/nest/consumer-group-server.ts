import { isLogTopic, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import { pause } from '@fieldgate/service';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { CommitLog } from '../commit-log.js';
import type { BatchOutcome, Consumption, LogBatch } from '../log-reader.js';
import { GroupLag } from './group-lag.js';

export interface ConsumerGroupOptions {
  readonly group: ConsumerGroup;
  /** What `@EventPattern(topic, transport)` names: only these handlers are the group's, so two groups can share a topic. */
  readonly transport: symbol;
  readonly log: CommitLog;
  readonly started: Promise<void>;
  /** Hears of the error that has ended the consumption. */
  readonly failed: (error: unknown) => void;
  /** How long `close` waits for the batches in hand. Default 3 s. */
  readonly graceMs?: number;
}

/** What the process does after this in its 10 s (the log and the stores are closed) must still have its time. */
const GRACE_MS = 3_000;

/**
 * A consumer group as a Nest transport. Its topics are the patterns of its handlers, one handler each; a batch is one event, and what the
 * handler returns is the outcome that offsets follow. Controllers carry `@UseFilters(KeepErrorType)`.
 */
export class ConsumerGroupServer extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  private consuming: Promise<Consumption> | undefined;
  private lag: GroupLag | undefined;
  private isClosed = false;

  constructor(private readonly options: ConsumerGroupOptions) {
    super();
    this.setTransportId(options.transport);
  }

  /** Does not wait for the log: the process is up while the log is still away. */
  listen(callback: (error?: unknown) => void): void {
    const topics = this.topics();
    this.consume(topics).catch(this.options.failed);
    callback();
  }

  /** Stops after the batches in hand; one that does not end in time comes again at the next start. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.lag?.stop();
    const inTime = new AbortController();
    const stopped = this.stopConsuming().finally(() => inTime.abort());
    await Promise.race([stopped, pause(this.options.graceMs ?? GRACE_MS, inTime.signal)]);
  }

  override addHandler(pattern: unknown, handler: MessageHandler, isEvent = false, extras = {}): void {
    const topic = String(pattern);
    if (this.messageHandlers.has(topic))
      throw new Error(`${this.options.group} has two handlers of ${topic}: which outcome should count?`);
    super.addHandler(topic, handler, isEvent, extras);
  }

  on(): void {
    throw new Error('a consumer group emits no events of its own');
  }

  unwrap<T>(): T {
    throw new Error('a consumer group has no client of its own to show');
  }

  private async stopConsuming(): Promise<void> {
    const consumption = await this.consuming;
    await consumption?.stop();
  }

  private async consume(topics: readonly LogTopic[]): Promise<void> {
    const { group, log, started, failed } = this.options;
    await started;
    if (this.isClosed) return;
    this.consuming = log.reader.consume(group, topics, (batch) => this.deliver(batch), failed);
    this.lag = new GroupLag(log.reader, group, topics);
    this.lag.start();
    await this.consuming;
  }

  private topics(): readonly LogTopic[] {
    const patterns = [...this.messageHandlers.keys()];
    const unknown = patterns.find((pattern) => !isLogTopic(pattern));
    if (unknown !== undefined)
      throw new Error(`${this.options.group} listens to ${unknown}, which is no topic of the log`);
    if (patterns.length === 0) throw new Error(`${this.options.group} has no handlers`);
    return patterns.filter(isLogTopic);
  }

  private async deliver(batch: LogBatch): Promise<BatchOutcome> {
    const handler = this.getHandlerByPattern(batch.topic);
    if (!handler) throw new Error(`${this.options.group} has no handler of ${batch.topic}`);
    const result: unknown = await handler(batch, { pattern: batch.topic });
    const outcome: unknown = isObservable(result) ? await this.lastOf(batch, lastValueFrom(result)) : result;
    if (!isOutcome(outcome))
      throw new Error(`the handler of ${batch.topic} in ${this.options.group} returned no outcome`);
    return outcome;
  }

  private async lastOf(batch: LogBatch, result: Promise<unknown>): Promise<unknown> {
    try {
      return await result;
    } catch (error) {
      if (error instanceof Error) throw error;
      throw new Error(
        `the handler of ${batch.topic} in ${this.options.group} failed, and Nest kept its error: its controller needs @UseFilters(KeepErrorType)`,
        { cause: error },
      );
    }
  }
}

function isOutcome(value: unknown): value is BatchOutcome {
  const outcome = value as Partial<BatchOutcome> | null | undefined; // looked at field by field
  return Array.isArray(outcome?.refused) && Array.isArray(outcome.retry);
}
