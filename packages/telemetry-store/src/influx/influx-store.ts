import { FieldgateError, isDeviceId, type Command, type EventRecord } from '@fieldgate/contracts';
import { monotonicClock, type Clock, type Logger } from '@fieldgate/service';
import { whyNotStorable } from '../storable.js';
import type {
  AlertQuery,
  CommandQuery,
  EventQuery,
  LatestReading,
  MissingRecord,
  SaidRecord,
  Series,
  SeriesQuery,
  StoredAlert,
  StoreRecord,
  TelemetryStore,
  WriteOutcome,
} from '../telemetry-store.js';
import { parseInfluxUrl, type InfluxAddress } from './influx-address.js';
import { findMissing } from './find-missing.js';
import { InfluxQueries } from './influx-queries.js';
import { InfluxWrites, type InfluxResponse } from './influx-writes.js';
import { LineBuffer, type Piece } from './line-buffer.js';
import { linesOf, timeMsOf } from './line-protocol.js';
import { PointPlaces } from './point-places.js';
import { readAlert, readAlerts } from './read-alerts.js';
import { readCommand, readCommands, readEvents } from './read-documents.js';
import { latestReadings, readSeries } from './read-readings.js';
import { Hours, ShardProbe } from './shard-probe.js';
import { StoreHealth } from './store-health.js';
import { storeLines } from './store-lines.js';
import { kindOf, retryAfterMs, StoreProblem } from './store-problem.js';

export interface InfluxStoreOptions {
  /** `http://user:pass@host:8086/fieldgate` */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For waits; the process's own unless told. */
  readonly monotonic?: Clock;
}

/** Records in one request. */
const MAX_RECORDS = 5_000;
const NOT_RUNNING = 'the telemetry store is not running';

export function createInfluxStore(options: InfluxStoreOptions): TelemetryStore {
  const address = parseInfluxUrl(options.url);
  if (!address)
    throw new FieldgateError(
      'config-invalid',
      'the address of InfluxDB is not http://[user:password@]host:port/database',
    );
  return new InfluxStore(address, options);
}

/** InfluxDB 1.x. The server may be away at any time; how long readings are kept is its retention policy's affair. */
class InfluxStore implements TelemetryStore {
  private open: Server | undefined;
  private databaseReady = false;
  private readonly clock: Clock;
  private readonly monotonic: Clock;
  private readonly health: StoreHealth;
  private readonly places = new PointPlaces();
  private readonly probe: ShardProbe;

  constructor(
    private readonly address: InfluxAddress,
    { clock, logger, monotonic = monotonicClock }: InfluxStoreOptions,
  ) {
    this.clock = clock;
    this.monotonic = monotonic;
    this.probe = new ShardProbe(monotonic);
    this.health = new StoreHealth({
      store: address.shown,
      logger,
      monotonic,
      look: () => void this.look(), // never fails
    });
  }

  async start(): Promise<void> {
    if (this.open) return;
    this.open = { writes: new InfluxWrites(this.address), queries: new InfluxQueries(this.address) };
    await this.look();
  }

  // eslint-disable-next-line typescript/require-await -- the port's other adapter has to wait
  async stop(): Promise<void> {
    this.health.stop();
    this.open?.writes.close();
    this.open?.queries.close();
    this.open = undefined;
    this.databaseReady = false;
  }

  problem(): string | undefined {
    return this.open ? this.health.problem : NOT_RUNNING;
  }

  /** Nothing here holds the batch while the answer is waited for: its objects may go with the young generation. */
  write(batch: readonly StoreRecord[]): Promise<WriteOutcome> {
    try {
      this.health.admitWrite(); // before the work of making lines
    } catch (error) {
      return Promise.reject(error as Error); // it throws FieldgateErrors
    }
    const refused: Refused[] = [];
    const lines = new LineBuffer();
    const hours = new Hours();
    for (let index = 0; index < batch.length; index++) {
      const entry = batch[index] as StoreRecord; // within bounds; an iterator makes an array for each
      const place = whyNotStorable(entry) ?? this.places.placeOf(entry);
      if (typeof place === 'number') {
        hours.add(timeMsOf(entry));
        lines.add(index, linesOf(entry, place));
      } else refused.push({ index, code: 'store-refused', detail: place });
    }
    return this.writeLines(lines, hours, refused);
  }

  private async writeLines(lines: LineBuffer, hours: Hours, refused: Refused[]): Promise<WriteOutcome> {
    await this.answering('write', async (server) => {
      if (!this.databaseReady) await this.prepare(server);
      await this.probe.before(hours, {
        post: (points) => server.writes.post(points),
        ask: (query) => server.writes.ask(query),
        unavailable: (response) => this.unavailable(response),
      });
      const requests = {
        post: (pieces: readonly Piece[]) => server.writes.post(lines.bytesOf(pieces)),
        unavailable: (response: InfluxResponse) => this.unavailable(response),
      };
      const { pieces } = lines;
      for (let start = 0; start < pieces.length; start += MAX_RECORDS)
        for (const { index, detail } of await storeLines(pieces.slice(start, start + MAX_RECORDS), requests))
          refused.push({ index, code: 'store-refused', detail });
      this.probe.written(hours);
    });
    return { refused: refused.toSorted((a, b) => a.index - b.index) };
  }

  recall(...stored: Parameters<NonNullable<TelemetryStore['recall']>>): void {
    this.places.recall(...stored);
  }

  async missing(batch: readonly SaidRecord[]): Promise<readonly MissingRecord[]> {
    return this.query((queries) => findMissing(queries, batch));
  }

  async latest(deviceId: string): Promise<readonly LatestReading[]> {
    return this.query(async (queries) => (isDeviceId(deviceId) ? latestReadings(queries, deviceId) : []));
  }

  async series(query: SeriesQuery): Promise<readonly Series[]> {
    return this.query(async (queries) => (isDeviceId(query.deviceId) ? readSeries(queries, query) : []));
  }

  async events(query: EventQuery): Promise<readonly EventRecord[]> {
    return this.query((queries) => readEvents(queries, query));
  }

  async command(commandId: string): Promise<Command | undefined> {
    return this.query((queries) => readCommand(queries, commandId));
  }

  async commands(query: CommandQuery): Promise<readonly Command[]> {
    return this.query((queries) => readCommands(queries, query));
  }

  async alert(alertId: string): Promise<StoredAlert | undefined> {
    return this.query((queries) => readAlert(queries, alertId));
  }

  async alerts(query: AlertQuery): Promise<readonly StoredAlert[]> {
    return this.query((queries) => readAlerts(queries, query));
  }

  /** One query may fail for reasons of its own (a sum beyond a double): whether the server is away, a look tells. */
  private async query<T>(ask: (queries: InfluxQueries) => Promise<T>): Promise<T> {
    if (!this.open) throw new FieldgateError('store-unavailable', NOT_RUNNING);
    try {
      return await ask(this.open.queries);
    } catch (error) {
      this.health.doubt();
      throw error;
    }
  }

  /** Runs what needs the server; its absence becomes the problem, and its answer ends it. */
  private async answering<T>(by: 'write' | 'look', use: (server: Server) => Promise<T>): Promise<T> {
    if (!this.open) throw new FieldgateError('store-unavailable', NOT_RUNNING);
    const since = this.monotonic.now();
    try {
      const answer = await use(this.open);
      this.health.well(by, since);
      return answer;
    } catch (error) {
      if (this.open && error instanceof FieldgateError && error.code === 'store-unavailable') {
        this.probe.forget(); // it may come back with nothing in its memory
        this.health.failed(by, error, since);
      }
      throw error;
    }
  }

  /** Looks whether the server is there, also when nobody writes or asks: /readyz is to say so. Never fails; `health` has taken the error. */
  private async look(): Promise<void> {
    try {
      await this.answering('look', (server) => this.prepare(server));
    } catch (error) {
      if (!(error instanceof FieldgateError)) throw error;
    }
  }

  /** When a question fails, an empty write tells by its status why: the package does not. */
  private async prepare({ queries, writes }: Server): Promise<void> {
    try {
      await queries.ensureDatabase();
      this.databaseReady = true;
    } catch (error) {
      const response = await writes.post(Buffer.alloc(0));
      throw kindOf(response.status) === 'credentials' ? this.unavailable(response) : error;
    }
  }

  private unavailable({ status, body, retryAfter }: InfluxResponse): StoreProblem {
    if (status === 404) this.databaseReady = false; // dropped while we ran: created again by the next write
    const kind = kindOf(status);
    const at = `InfluxDB at ${this.address.shown}`;
    if (kind === 'credentials')
      return new StoreProblem(kind, `${at} refuses the user and password of its address (HTTP ${status})`);
    if (kind === 'database') return new StoreProblem(kind, `${at} has no such database (HTTP 404)`);
    return new StoreProblem(
      kind,
      `${at} answers HTTP ${status}: ${body.slice(0, 200).trim()}`,
      retryAfterMs(retryAfter, this.clock.now()),
    );
  }
}

type Refused = WriteOutcome['refused'][number];

interface Server {
  readonly writes: InfluxWrites;
  readonly queries: InfluxQueries;
}
