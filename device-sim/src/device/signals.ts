import type { Fault } from './faults.js';
import { between, noise, type Random } from './random.js';

export interface SignalReadings {
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly battery: number;
  readonly vibration: number;
  readonly running: boolean;
  readonly status: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FAULT_RAMP_MS = 10_000;

/**
 * What the sensors of one pump show: a daily curve (warmest at 15:00 UTC), weather, a machine that runs and rests, noise, and the marks of a
 * fault. By the seed and the times asked for; time only moves forward.
 */
export class Signals {
  private readonly baseTemperature: number;
  private readonly weatherPhase: number;
  private readonly chargePhase: number;
  private readonly roughness: number;
  private running: boolean;
  private nextSwitchMs: number;
  /** Slow errors of the sensors: each step keeps most of the one before. */
  private drift = { temperature: 0, humidity: 0, pressure: 0 };

  constructor(
    private readonly random: Random,
    startMs: number,
  ) {
    this.baseTemperature = between(random, 18, 26);
    this.weatherPhase = random();
    this.chargePhase = random();
    this.roughness = between(random, 0.8, 1.6);
    this.running = random() < 0.7;
    this.nextSwitchMs = startMs + this.runLengthMs();
  }

  at(nowMs: number, fault?: Fault): SignalReadings {
    this.switchUntil(nowMs);
    this.drift = {
      temperature: 0.9 * this.drift.temperature + noise(this.random, 0.15),
      humidity: 0.9 * this.drift.humidity + noise(this.random, 0.4),
      pressure: 0.9 * this.drift.pressure + noise(this.random, 0.05),
    };
    const day = Math.cos((2 * Math.PI * (nowMs - 15 * HOUR_MS)) / DAY_MS);
    const weather = Math.sin(2 * Math.PI * (nowMs / (5 * DAY_MS) + this.weatherPhase));
    const ill = (type: Fault['type']): number =>
      fault?.type === type ? Math.min(1, (nowMs - fault.sinceMs) / FAULT_RAMP_MS) : 0;
    const turning = this.running ? 1 : 0.03;
    return {
      temperature: round(
        this.baseTemperature +
          5 * day +
          (this.running ? 18 : 0) +
          this.drift.temperature +
          45 * ill('overheating'),
        2,
      ),
      humidity: round(clamp(58 - 14 * day + 8 * weather + this.drift.humidity, 5, 100), 1),
      pressure: round(1013 + 12 * weather + this.drift.pressure, 2),
      battery: round(clamp(this.charge(nowMs) * (1 - 0.8 * ill('battery-low')), 0, 100), 1),
      vibration: round(
        Math.max(0, turning * (this.roughness + 6 * ill('bearing-wear')) + noise(this.random, 0.04)),
        3,
      ),
      running: this.running,
      status: fault ? fault.type : this.running ? 'ok' : 'idle',
    };
  }

  private switchUntil(nowMs: number): void {
    if (nowMs - this.nextSwitchMs > DAY_MS) this.nextSwitchMs = nowMs; // asleep for days: do not replay every switch
    while (nowMs >= this.nextSwitchMs) {
      this.running = !this.running;
      this.nextSwitchMs += this.runLengthMs();
    }
  }

  /** It runs 4 to 15 minutes and rests 1 to 4. */
  private runLengthMs(): number {
    return this.running ? between(this.random, 240_000, 900_000) : between(this.random, 60_000, 240_000);
  }

  /** Percent: down to 40 in ten days, then charged in an hour. */
  private charge(nowMs: number): number {
    const cycle = (nowMs / (10 * DAY_MS) + this.chargePhase) % 1;
    const charging = 1 / 240;
    return cycle < charging ? 40 + (60 * cycle) / charging : 100 - (60 * (cycle - charging)) / (1 - charging);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
