import { FieldgateError, isDeviceId, type Command, type EventRecord } from '@fieldgate/contracts';
import { backOffMs, type Clock, type Logger } from '@fieldgate/service';
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
import { linesOf } from './line-protocol.js';
import { readAlert, readAlerts } from './read-alerts.js';
import { readCommand, readCommands, readEvents } from './read-documents.js';
import { latestReadings, readSeries } from './read-readings.js';
import { storeLines, type Piece } from './store-lines.js';

export interface InfluxStoreOptions {
  /** `http://user:pass@host:8086/fieldgate` */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Records in one request. */
const MAX_RECORDS = 5_000;
const NOT_RUNNING = 'the telemetry store is not running';

export function createInfluxStore({ url, logger }: InfluxStoreOptions): TelemetryStore {
  const address = parseInfluxUrl(url);
  if (!address)
    throw new FieldgateError(
      'config-invalid',
      'the address of InfluxDB is not http://[user:password@]host:port/database',
    );
  return new InfluxStore(address, logger);
}

/** InfluxDB 1.x. The server may be away at any time; how long readings are kept is its retention policy's affair. */
class InfluxStore implements TelemetryStore {
  private open: { readonly writes: InfluxWrites; readonly queries: InfluxQueries } | undefined;
  private databaseReady = false;
  private trouble: string | undefined;
  private probe: NodeJS.Timeout | undefined;
  private failures = 0;

  constructor(
    private readonly address: InfluxAddress,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    if (this.open) return;
    this.open = { writes: new InfluxWrites(this.address), queries: new InfluxQueries(this.address) };
    await this.look();
  }

  // eslint-disable-next-line typescript/require-await -- the port's other adapter has to wait
  async stop(): Promise<void> {
    clearTimeout(this.probe);
    this.open?.writes.close();
    this.open?.queries.close();
    this.open = undefined;
    this.databaseReady = false;
  }

  problem(): string | undefined {
    return this.open ? this.trouble : NOT_RUNNING;
  }

  async write(batch: readonly StoreRecord[]): Promise<WriteOutcome> {
    const refused: { index: number; code: 'store-refused'; detail: string }[] = [];
    const pieces: Piece[] = [];
    batch.forEach((entry, index) => {
      const reason = whyNotStorable(entry);
      if (reason === undefined) pieces.push({ index, ...linesOf(entry) });
      else refused.push({ index, code: 'store-refused', detail: reason });
    });
    await this.answering(async ({ queries, writes }) => {
      if (!this.databaseReady) await queries.ensureDatabase();
      this.databaseReady = true;
      const server = {
        post: (lines: string) => writes.post(lines),
        unavailable: (response: InfluxResponse) => this.unavailable(response),
      };
      for (let start = 0; start < pieces.length; start += MAX_RECORDS)
        for (const { index, detail } of await storeLines(pieces.slice(start, start + MAX_RECORDS), server))
          refused.push({ index, code: 'store-refused', detail });
    });
    return { refused: refused.toSorted((a, b) => a.index - b.index) };
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
      if (this.trouble === undefined) this.lookIn(0);
      throw error;
    }
  }

  /** Runs what needs the server; its absence becomes the problem, and its answer ends it. */
  private async answering<T>(
    use: (server: { readonly writes: InfluxWrites; readonly queries: InfluxQueries }) => Promise<T>,
  ): Promise<T> {
    if (!this.open) throw new FieldgateError('store-unavailable', NOT_RUNNING);
    try {
      const answer = await use(this.open);
      this.well();
      return answer;
    } catch (error) {
      if (error instanceof FieldgateError && error.code === 'store-unavailable') this.away(error);
      throw error;
    }
  }

  private well(): void {
    if (this.trouble !== undefined)
      this.logger.info({ store: this.address.shown }, 'telemetry store answers again');
    this.trouble = undefined;
    this.failures = 0;
  }

  private away(error: FieldgateError): void {
    if (this.trouble === undefined)
      this.logger.warn(
        { store: this.address.shown, reason: error.message },
        'telemetry store does not answer',
      );
    this.trouble = error.message;
    this.lookIn(backOffMs(this.failures++));
  }

  private lookIn(ms: number): void {
    if (!this.open) return;
    clearTimeout(this.probe);
    this.probe = setTimeout(() => void this.look(), ms).unref();
  }

  /** Looks whether the server is there, also when nobody writes or asks: /readyz is to say so. Never fails; `away` has taken the error. */
  private async look(): Promise<void> {
    try {
      await this.answering(({ queries }) => queries.ensureDatabase());
      this.databaseReady = true;
    } catch (error) {
      if (!(error instanceof FieldgateError)) throw error;
    }
  }

  private unavailable({ status, body }: InfluxResponse): FieldgateError {
    if (status === 404) this.databaseReady = false; // dropped while we ran: created again by the next write
    const at = `InfluxDB at ${this.address.shown}`;
    if (status === 401 || status === 403)
      return new FieldgateError(
        'store-unavailable',
        `${at} refuses the user and password of its address (HTTP ${status})`,
      );
    if (status === 404)
      return new FieldgateError('store-unavailable', `${at} has no such database (HTTP 404)`);
    return new FieldgateError(
      'store-unavailable',
      `${at} answers HTTP ${status}: ${body.slice(0, 200).trim()}`,
    );
  }
}
