import type { Command, EventRecord } from '@fieldgate/contracts';
import { FieldgateError } from '@fieldgate/contracts';
import { alertStateOf } from '@fieldgate/telemetry-store';
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
} from '@fieldgate/telemetry-store';

/** A store that answers what a test has put in, and remembers what it was asked. */
export class MemoryStore implements TelemetryStore {
  readonly latestReadings = new Map<string, readonly LatestReading[]>();
  readonly seriesQueries: SeriesQuery[] = [];
  readonly eventQueries: EventQuery[] = [];
  readonly finished = new Map<string, Command>();
  readonly alertQueries: AlertQuery[] = [];
  /** Readings and events that were written, by `saidName`. */
  readonly said = new Set<string>();
  readonly keptAlerts = new Map<string, StoredAlert>();
  seriesAnswer: readonly Series[] = [];
  eventsAnswer: readonly EventRecord[] = [];
  away = false;

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  problem(): string | undefined {
    return this.away ? 'the store is away' : undefined;
  }

  async write(batch: readonly StoreRecord[]): Promise<WriteOutcome> {
    for (const entry of batch) if (entry.kind === 'command') this.finished.set(entry.record.id, entry.record);
    for (const entry of batch)
      if (entry.kind === 'alert') this.keptAlerts.set(entry.record.alert.id, entry.record.alert);
    for (const entry of batch)
      if (entry.kind === 'telemetry' || entry.kind === 'event') this.said.add(saidName(entry));
    return { refused: [] };
  }

  async missing(batch: readonly SaidRecord[]): Promise<readonly MissingRecord[]> {
    this.requirePresence();
    return batch.flatMap((entry, index) => {
      if (this.said.has(saidName(entry))) return [];
      return [{ index, metrics: entry.kind === 'telemetry' ? Object.keys(entry.record.readings) : [] }];
    });
  }

  async latest(deviceId: string): Promise<readonly LatestReading[]> {
    this.requirePresence();
    return this.latestReadings.get(deviceId) ?? [];
  }

  async series(query: SeriesQuery): Promise<readonly Series[]> {
    this.requirePresence();
    this.seriesQueries.push(query);
    return this.seriesAnswer;
  }

  async events(query: EventQuery): Promise<readonly EventRecord[]> {
    this.requirePresence();
    this.eventQueries.push(query);
    return this.eventsAnswer;
  }

  async command(commandId: string): Promise<Command | undefined> {
    this.requirePresence();
    return this.finished.get(commandId);
  }

  async commands({ deviceId, state, limit }: CommandQuery): Promise<readonly Command[]> {
    this.requirePresence();
    return [...this.finished.values()]
      .filter((command) => deviceId === undefined || command.deviceId === deviceId)
      .filter((command) => state === undefined || command.state === state)
      .toSorted((a, b) => b.requestedAt - a.requestedAt)
      .slice(0, limit);
  }

  async alert(alertId: string): Promise<StoredAlert | undefined> {
    this.requirePresence();
    return this.keptAlerts.get(alertId);
  }

  async alerts(query: AlertQuery): Promise<readonly StoredAlert[]> {
    this.requirePresence();
    this.alertQueries.push(query);
    return [...this.keptAlerts.values()]
      .filter(({ raisedAt }) => raisedAt >= query.fromMs && raisedAt < query.toMs)
      .filter((alert) => query.state === undefined || alertStateOf(alert) === query.state)
      .filter(({ deviceId }) => query.deviceId === undefined || deviceId === query.deviceId)
      .filter(({ rule }) => query.rule === undefined || rule === query.rule)
      .filter(({ severity }) => query.severity === undefined || severity === query.severity)
      .toSorted((a, b) => b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : 1))
      .slice(0, query.limit);
  }

  private requirePresence(): void {
    if (this.away) throw new FieldgateError('store-unavailable', 'the store is away');
  }
}

export function saidName({ record: { deviceId, timeMs, id } }: SaidRecord): string {
  return `${deviceId} ${timeMs} ${id}`;
}
