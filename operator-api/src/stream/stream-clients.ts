import { COMMIT_LOG, type CommitLog, type LogRecord } from '@fieldgate/commit-log';
import { MONOTONIC, pause, SUPERVISOR, Supervisor, type Clock } from '@fieldgate/service';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { Counter, Gauge } from 'prom-client';
import { DeviceTables } from '../devices/device-tables.js';
import { hasLabel } from '../devices/list-devices.js';
import { Problem } from '../http/problem.js';
import { LiveTopic } from './live-topic.js';
import { StreamClient, type FollowedTopic, type SlowReason } from './stream-client.js';
import { parsePositions } from './stream-positions.js';
import {
  STREAM_TOPIC_NAMES,
  STREAM_TOPICS,
  type StreamRequest,
  type StreamTopic,
} from './stream-requests.js';

const clientsNow = new Gauge({
  name: 'fieldgate_stream_clients',
  help: 'Clients of the live stream that are connected',
});
const eventsTotal = new Counter({
  name: 'fieldgate_stream_events_total',
  help: 'Events written to clients of the live stream',
});
const droppedTotal = new Counter({
  name: 'fieldgate_stream_dropped_clients_total',
  help: 'Clients of the live stream whose connection was broken off by us',
  labelNames: ['reason'],
});

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no', // a proxy that gathers would make it late
};
const MAX_CLIENTS = 200;
const KEEP_ALIVE_MS = 15_000;
/** How soon a client comes back after its connection was lost, ms. */
const RETRY_MS = 2_000;
/** What a client that reads needs, when the process stops, to hear of the end. */
const FAREWELL_MS = 1_000;

/** `log-away`: what it has missed can not be read. `stopping`: it has not read to the end in time. */
type DropReason = SlowReason | 'log-away' | 'stopping';

/** All clients of `GET /v1/stream` in this process. */
@Injectable()
export class StreamClients implements BeforeApplicationShutdown {
  private readonly topics: ReadonlyMap<StreamTopic, FollowedTopic>;
  private readonly responses = new Set<ServerResponse>();
  private stopping = false;

  constructor(
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
    private readonly tables: DeviceTables,
    @Inject(MONOTONIC) private readonly monotonic: Clock,
  ) {
    this.topics = new Map(
      STREAM_TOPIC_NAMES.map((name) => {
        const { topic, letter, event } = STREAM_TOPICS[name];
        const live = new LiveTopic(log.reader, topic, (error) =>
          supervisor.fail(`live stream of ${topic}`, error),
        );
        return [name, { letter, event, live }];
      }),
    );
  }

  /** Refused with a problem before a byte is written, or served until the client goes. */
  requireRoom(): void {
    if (this.stopping) throw new Problem('not-ready', 'the process is stopping');
    if (this.responses.size >= MAX_CLIENTS)
      throw new Problem('too-many-requests', `${MAX_CLIENTS} clients are streamed to already`);
  }

  serve(response: ServerResponse, request: StreamRequest): void {
    this.responses.add(response);
    clientsNow.set(this.responses.size);
    this.supervisor.run('live stream', () => this.serveUntilGone(response, request));
  }

  /** The clients come back by themselves, to whoever runs then. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    const responses = [...this.responses];
    const gone = Promise.all(responses.map(closed));
    for (const response of responses) response.end();
    const over = new AbortController();
    await Promise.race([gone, pause(FAREWELL_MS, over.signal)]);
    over.abort();
    for (const response of responses) drop(response, 'stopping');
  }

  private async serveUntilGone(response: ServerResponse, request: StreamRequest): Promise<void> {
    const gone = closed(response);
    const topics = request.topics.flatMap((name) => this.topics.get(name) ?? []);
    const client = new StreamClient(response, topics, {
      reader: this.log.reader,
      wants: this.filterOf(request),
      written: (events) => eventsTotal.inc(events),
      tooSlow: (reason) => drop(response, reason),
      monotonic: this.monotonic,
    });
    const alive = setInterval(() => client.beat('keep-alive'), KEEP_ALIVE_MS);
    response.on('error', () => undefined); // `close` follows
    response.writeHead(200, STREAM_HEADERS);
    response.write(`retry: ${RETRY_MS}\n\n`);
    try {
      await Promise.race([Promise.all(topics.map(({ live }) => live.use())), gone]);
      await client.start(parsePositions(request.lastEventId ?? '') ?? new Map());
      await gone;
    } catch (error) {
      drop(response, 'log-away'); // the client comes back
      if (!isRetriable(error)) throw error;
    } finally {
      clearInterval(alive);
      client.stop();
      this.responses.delete(response);
      clientsNow.set(this.responses.size);
      await Promise.all(topics.map(({ live }) => live.release()));
    }
  }

  private filterOf({ device, label }: StreamRequest): (record: LogRecord) => boolean {
    const devices = device === undefined ? undefined : new Set<string>(device);
    return ({ key }) => {
      if (devices !== undefined && !devices.has(key)) return false;
      if (label === undefined) return true;
      const labels = this.tables.devices.get(key)?.labels ?? {};
      return label.every((wanted) => hasLabel(labels, wanted));
    };
  }
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', resolve));
}

function drop(response: ServerResponse, reason: DropReason): void {
  if (response.destroyed) return;
  droppedTotal.inc({ reason });
  response.destroy();
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true;
}
