import { FieldgateError, type Command, type EventRecord } from '@fieldgate/contracts';
import type { Clock, Logger } from '@fieldgate/service';
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
import { findMissing } from './find-missing.js';
import { latestReadings } from './latest-readings.js';
import { OpenFile } from './open-file.js';
import { readAlert, readAlerts, readCommand, readCommands, readEvents } from './read-documents.js';
import { readSeries } from './read-series.js';
import { DEFAULT_RETENTION, Retention, type RetentionDays } from './retention.js';

export interface EmbeddedStoreOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of DuckDB, in its notation; what does not fit goes to disk. */
  readonly memoryLimit?: string;
  readonly retentionDays?: RetentionDays;
  /** How long small batches wait for company, after a transaction that was small too. */
  readonly gatherMs?: number;
}

export function createEmbeddedStore(options: EmbeddedStoreOptions): TelemetryStore {
  return new EmbeddedStore(options);
}

/** Everything in one DuckDB file, in this process alone. */
class EmbeddedStore implements TelemetryStore {
  private file: OpenFile | undefined;
  private starting: Promise<void> | undefined;
  private retention: Retention | undefined;

  constructor(private readonly options: EmbeddedStoreOptions) {}

  start(): Promise<void> {
    this.starting ??= this.open();
    return this.starting;
  }

  private async open(): Promise<void> {
    const {
      directory,
      clock,
      logger,
      memoryLimit = '96MB',
      retentionDays = DEFAULT_RETENTION,
    } = this.options;
    const file = await OpenFile.open({ directory, memoryLimit });
    this.file = file;
    this.retention = new Retention({ clock, logger, days: retentionDays }, (expire) =>
      file.between(({ connection }) => expire(connection)),
    );
    this.retention.start();
  }

  async stop(): Promise<void> {
    await Promise.allSettled([this.starting]); // a start that failed has told whoever called it
    this.starting = undefined;
    const { file } = this;
    this.file = undefined;
    this.retention?.stop();
    await file?.close();
  }

  problem(): string | undefined {
    return this.file ? this.file.problem : NOT_RUNNING;
  }

  async write(batch: readonly StoreRecord[]): Promise<WriteOutcome> {
    return batch.length === 0 ? { refused: [] } : this.opened().write(batch);
  }

  async missing(batch: readonly SaidRecord[]): Promise<readonly MissingRecord[]> {
    return findMissing(batch, this.opened().reads);
  }

  async latest(deviceId: string): Promise<readonly LatestReading[]> {
    const file = this.opened();
    return latestReadings(await file.seriesOf(deviceId), file.reads, this.options.clock.now());
  }

  async series(query: SeriesQuery): Promise<readonly Series[]> {
    const file = this.opened();
    return readSeries(query, await file.seriesOf(query.deviceId), file.reads);
  }

  async events(query: EventQuery): Promise<readonly EventRecord[]> {
    return readEvents(query, this.opened().reads);
  }

  async command(commandId: string): Promise<Command | undefined> {
    return readCommand(commandId, this.opened().reads);
  }

  async commands(query: CommandQuery): Promise<readonly Command[]> {
    return readCommands(query, this.opened().reads);
  }

  async alert(alertId: string): Promise<StoredAlert | undefined> {
    return readAlert(alertId, this.opened().reads);
  }

  async alerts(query: AlertQuery): Promise<readonly StoredAlert[]> {
    return readAlerts(query, this.opened().reads);
  }

  private opened(): OpenFile {
    if (!this.file) throw new FieldgateError('store-unavailable', NOT_RUNNING);
    return this.file;
  }
}

const NOT_RUNNING = 'the telemetry store is not running';
