import { between, type Random } from './random.js';

export const FAULT_TYPES = ['overheating', 'bearing-wear', 'battery-low'] as const;
export type FaultType = (typeof FAULT_TYPES)[number];

export const FAULT_SEVERITY = {
  overheating: 'critical',
  'bearing-wear': 'warning',
  'battery-low': 'warning',
} as const satisfies Record<FaultType, string>;

export interface Fault {
  readonly type: FaultType;
  readonly sinceMs: number;
}

export interface FaultChange {
  readonly type: FaultType;
  readonly state: 'raised' | 'cleared';
}

const GAP_MS = [30_000, 180_000] as const;
const LENGTH_MS = [10_000, 45_000] as const;

/** When a machine falls ill and recovers: one fault at a time, by the seed. Time only moves forward. */
export class Faults {
  private fault: Fault | undefined;
  private nextChangeMs: number;

  constructor(
    private readonly random: Random,
    startMs: number,
  ) {
    this.nextChangeMs = startMs + between(random, 5_000, GAP_MS[1]);
  }

  get active(): Fault | undefined {
    return this.fault;
  }

  /** What has changed until `nowMs`; to be asked again until it is nothing. */
  changeUntil(nowMs: number): FaultChange | undefined {
    if (nowMs < this.nextChangeMs) return undefined;
    const atMs = this.nextChangeMs;
    if (this.fault) {
      const { type } = this.fault;
      this.fault = undefined;
      this.nextChangeMs = atMs + between(this.random, ...GAP_MS);
      return { type, state: 'cleared' };
    }
    const type = FAULT_TYPES[Math.floor(this.random() * FAULT_TYPES.length)] ?? 'overheating';
    this.fault = { type, sinceMs: atMs };
    this.nextChangeMs = atMs + between(this.random, ...LENGTH_MS);
    return { type, state: 'raised' };
  }
}
