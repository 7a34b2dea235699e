import type { Alert, EventRecord, TelemetryRecord } from '@fieldgate/contracts';
import type { Rules } from './rule.js';

/** What rules select by. Times in epoch ms. */
export interface DeviceFacts {
  readonly id: string;
  readonly type?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: number;
}

/** `amended`: late data changed what an open alert says (peak, since); nobody is woken by it. */
export interface AlertTransition {
  readonly change: 'raised' | 'cleared' | 'amended';
  readonly alert: Alert;
}

export interface AlertWatchSettings {
  readonly source: 'telemetry' | 'events';
  readonly rules: Rules;
  /** Undefined: no device of this id is registered (any more). */
  readonly deviceOf: (id: string) => DeviceFacts | undefined;
}

/** The rules at work on one partition of one topic. */
export class AlertWatch {
  constructor(private readonly settings: AlertWatchSettings) {}

  get clockMs(): number {
    return this.missing();
  }

  get lateReadings(): number {
    return this.missing();
  }

  get clockSteps(): number {
    return this.missing();
  }

  reading(_record: TelemetryRecord): void {
    this.missing();
  }

  event(_record: EventRecord): void {
    this.missing();
  }

  passTo(_arrivalMs: number): void {
    this.missing();
  }

  watch(_deviceId: string): void {
    this.missing();
  }

  deviceChanged(_deviceId: string): void {
    this.missing();
  }

  useRules(_rules: Rules): void {
    this.missing();
  }

  takeTransitions(): AlertTransition[] {
    return this.missing();
  }

  openAlerts(): IterableIterator<Alert> {
    return this.missing();
  }

  takeChanged(): string[] {
    return this.missing();
  }

  deviceMemory(_id: string): unknown {
    return this.missing();
  }

  restoreDevice(_id: string, _memory: unknown): boolean {
    return this.missing();
  }

  memory(): unknown {
    return this.missing();
  }

  restore(_memory: unknown): boolean {
    return this.missing();
  }

  private missing(): never {
    throw new Error(`not written yet: ${this.settings.source}`);
  }
}
