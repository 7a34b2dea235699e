import type {
  Acknowledgement,
  Alert,
  AlertStep,
  Command,
  ErrorCode,
  EventRecord,
  ReadingValue,
  Severity,
  TelemetryRecord,
} from '@fieldgate/contracts';

/** One record of the log for the store. */
export type StoreRecord =
  | { readonly kind: 'telemetry'; readonly record: TelemetryRecord }
  | { readonly kind: 'event'; readonly record: EventRecord }
  /** A command that has reached its final state, or has got its late answer; written again it replaces itself. */
  | { readonly kind: 'command'; readonly record: Command }
  /** One step of an alert. The steps of an alert are one row; they come in any order and again, and never undo each other. */
  | { readonly kind: 'alert'; readonly record: AlertStep };

/** What a device has said. */
export type SaidRecord = Extract<StoreRecord, { kind: 'telemetry' | 'event' }>;

/** By the index of the batch: a record that is not in the store, or not whole. */
export interface MissingRecord {
  readonly index: number;
  /** Those of its metrics that are not there, or are there with another value; none for an event. */
  readonly metrics: readonly string[];
}

/** By the indices of the batch. What is not named is stored. */
export interface WriteOutcome {
  readonly refused: readonly { readonly index: number; readonly code: ErrorCode; readonly detail: string }[];
}

export interface SeriesQuery {
  readonly deviceId: string;
  /** None: all metrics of the device in this range. */
  readonly metrics?: readonly string[];
  /** Epoch ms: inclusive, exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Points per series, the earliest first; 1 to 10,000. */
  readonly limit: number;
  /** Buckets aligned to the epoch in UTC, named by their start; empty buckets are left out. */
  readonly downsample?: { readonly everyMs: number; readonly aggregate: Aggregate };
}

/** mean, min, max and sum take numbers only (other values are left out); count and last take every value. */
export type Aggregate = (typeof AGGREGATES)[number];
export const AGGREGATES = ['mean', 'min', 'max', 'sum', 'count', 'last'] as const;

/** Ascending in time; equal times in the order of `seq` where the id is `<time>-<seq>`, else in an order that stays the same. Times in epoch ms. */
export interface Series {
  readonly metric: string;
  readonly points: readonly (readonly [timeMs: number, value: ReadingValue])[];
}

export interface LatestReading {
  readonly metric: string;
  readonly timeMs: number;
  readonly value: ReadingValue;
}

export interface EventQuery {
  readonly deviceId?: string;
  readonly event?: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The newest first; 1 to 10,000. */
  readonly limit: number;
}

export interface CommandQuery {
  readonly deviceId?: string;
  readonly state?: string;
  readonly limit: number;
}

export const ALERT_STATES = ['open', 'acknowledged', 'cleared'] as const;
/** `acknowledged`: and not cleared. */
export type AlertState = (typeof ALERT_STATES)[number];

/** An alert as far as its steps have come. */
export type StoredAlert = Alert & { readonly acknowledgement?: Omit<Acknowledgement, 'alertId'> };

export interface AlertQuery {
  readonly deviceId?: string;
  readonly rule?: string;
  readonly severity?: Severity;
  readonly state?: AlertState;
  /** Of `raisedAt`, epoch ms: inclusive, exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The newest raised first; 1 to 10,000. */
  readonly limit: number;
}

/**
 * Where readings, condition events, alerts and finished commands are kept for queries. A point's identity is device, metric, time and id: two readings
 * of one millisecond with different ids stay two; the same one again stays one, whenever it comes again and whoever sends it again, the
 * device or the log (InfluxDB overwrites it; the embedded adapter looks up what is not newer than all of its series).
 *
 * Everything throws `store-unavailable` (retriable) when the store does not answer, and then says so in `problem()`.
 */
export interface TelemetryStore {
  /** Opens or connects; creates what is missing. Embedded: rejects with `data-dir-unusable` or `data-damaged`. InfluxDB away: resolves, and `problem()` says so. */
  start(): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
  problem(): string | undefined;

  /** Stores a batch, in the order given. All of it, but what is refused for good; or it throws, and then the same batch may be written again. */
  write(batch: readonly StoreRecord[]): Promise<WriteOutcome>;

  /**
   * A record that is stored already, told after a restart in the order of the log: for an adapter that cannot look up where it has put a
   * record whose own place was taken.
   */
  recall?(
    kind: SaidRecord['kind'],
    stored: { readonly deviceId: string; readonly id: string; readonly timeMs: number },
  ): void;

  /**
   * Which of these are not there whole, each under the identity that `write` gives it, and with its values; in the order of the batch. What
   * could never be stored is missing too. Reads only, beside the writer.
   */
  missing(batch: readonly SaidRecord[]): Promise<readonly MissingRecord[]>;

  /** The newest reading of each metric, by time (equal times: the highest `seq` where the id is `<time>-<seq>`). Ordered by metric name. */
  latest(deviceId: string): Promise<readonly LatestReading[]>;
  /** Ordered by metric name; a metric without a point in the range is left out. */
  series(query: SeriesQuery): Promise<readonly Series[]>;
  events(query: EventQuery): Promise<readonly EventRecord[]>;
  command(commandId: string): Promise<Command | undefined>;
  /** The newest requested first. */
  commands(query: CommandQuery): Promise<readonly Command[]>;
  alert(alertId: string): Promise<StoredAlert | undefined>;
  /** The newest raised first; equal times in the order of their ids. */
  alerts(query: AlertQuery): Promise<readonly StoredAlert[]>;
}

export const TELEMETRY_STORE = Symbol('TelemetryStore');
