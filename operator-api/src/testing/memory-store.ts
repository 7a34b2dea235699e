import type { Command, EventRecord } from '@fieldgate/contracts';
import { FieldgateError } from '@fieldgate/contracts';
import type {
  CommandQuery,
  EventQuery,
  LatestReading,
  Series,
  SeriesQuery,
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
    return { refused: [] };
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

  private requirePresence(): void {
    if (this.away) throw new FieldgateError('store-unavailable', 'the store is away');
  }
}
