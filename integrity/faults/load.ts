import type { Readings } from '@fieldgate/contracts';
import { LoadDevice } from './load-device.js';
import type { DeviceBooks } from './oracle.js';

export interface LoadOptions {
  /** Of the device ids; unique in a run. */
  readonly prefix: string;
  /** Default 20. */
  readonly devices?: number;
  /** Messages of all devices together. Default 400. */
  readonly perSecond?: number;
  /** In flight, per device. Default 10. */
  readonly window?: number;
  /** Messages that are refused by design, sent while `mixesInBad`: what message n has beside its readings. Default: none. */
  readonly badReadings?: (n: number) => Readings | undefined;
  /** What the clock of a device shows at message n. All devices then send `id`. Default: the time. */
  readonly clock?: (n: number, index: number) => number;
  /** Of texts in every message, about. Default: none. */
  readonly fillerBytes?: number;
}

/** The longest that a reading may be. */
const TEXT_BYTES = 1_000;
const TICK_MS = 25;
const LOOK_MS = 1_000;

/**
 * Devices with numbered messages. Half of them speak MQTT 3.1.1, half MQTT 5; half of each send `id`, half `ts` and `seq`: a message that is
 * sent again is the same message.
 */
export class Load {
  readonly devices: readonly LoadDevice[];
  private readonly window: number;
  private readonly perSecond: number;
  private readonly badReadings: (n: number) => Readings | undefined;
  private readonly clock: LoadOptions['clock'];
  private readonly filler: Readings;
  private readonly credits: number[];
  private timers: NodeJS.Timeout[] = [];
  private publishing = false;
  /** While true, bad readings go out with the others. */
  mixesInBad = false;
  private lastTick = 0;

  constructor(options: LoadOptions, port: (index: number) => number, random: () => number) {
    const count = options.devices ?? 20;
    this.window = options.window ?? 10;
    this.perSecond = options.perSecond ?? 400;
    this.badReadings = options.badReadings ?? (() => undefined);
    this.clock = options.clock;
    const texts = Math.ceil((options.fillerBytes ?? 0) / TEXT_BYTES);
    this.filler = Object.fromEntries(
      Array.from({ length: texts }, (_, index) => [`filler${index}`, 'x'.repeat(TEXT_BYTES)]),
    );
    this.credits = Array.from({ length: count }, random);
    this.devices = Array.from({ length: count }, (_, index) => {
      const id = `${options.prefix}-${index}`;
      return new LoadDevice(id, secretOf(id), index % 2 === 0 ? 5 : 4, () => port(index), random);
    });
  }

  registrations(): { id: string; secret: string }[] {
    return this.devices.map(({ id }) => ({ id, secret: secretOf(id) }));
  }

  /** Connects all, and publishes until `pause`. */
  start(): void {
    for (const device of this.devices) device.open();
    this.timers.push(setInterval(() => this.devices.forEach((device) => device.look()), LOOK_MS));
    this.timers.push(setInterval(() => this.tick(), TICK_MS));
    this.resume();
  }

  resume(): void {
    this.publishing = true;
    this.lastTick = performance.now();
  }

  /** Nothing new is published; what is in flight goes on. */
  pause(): void {
    this.publishing = false;
  }

  close(): void {
    this.pause();
    this.timers.forEach(clearInterval);
    this.timers = [];
    for (const device of this.devices) device.close();
  }

  get published(): number {
    return this.sum(({ published }) => published);
  }

  get acknowledged(): number {
    return this.sum(({ acknowledged }) => acknowledged.size);
  }

  get refused(): number {
    return this.sum(({ refused }) => refused.size);
  }

  get unanswered(): number {
    return this.sum(({ unanswered }) => unanswered);
  }

  /** Connections that devices have lost. */
  get disconnects(): number {
    return this.sum(({ connects }) => Math.max(0, connects - 1));
  }

  /** Every device has an acknowledgement for something that it published after this moment (`performance.now()`). */
  isServedSince(moment: number): boolean {
    return this.devices.every(({ newestAcknowledged }) => newestAcknowledged > moment);
  }

  /** As they are now. */
  books(): DeviceBooks[] {
    return this.devices.map(({ id, published, acknowledged, bad, spoilt }) => {
      return { id, published, acknowledged, bad, spoilt };
    });
  }

  private tick(): void {
    const now = performance.now();
    const earned = ((now - this.lastTick) / 1000) * (this.perSecond / this.devices.length);
    this.lastTick = now;
    if (!this.publishing) return;
    this.devices.forEach((device, index) => {
      let credit = Math.min((this.credits[index] ?? 0) + earned, this.window);
      for (; credit >= 1 && device.unanswered < this.window; credit -= 1) this.publish(device, index);
      this.credits[index] = credit;
    });
  }

  private publish(device: LoadDevice, index: number): void {
    const n = device.published;
    const bad = this.mixesInBad ? this.badReadings(n) : undefined;
    const message = {
      ts: this.clock?.(n, index) ?? Date.now(),
      ...(this.clock === undefined && index % 4 < 2 ? { seq: n } : { id: `m-${n}` }),
      readings: { n, temperature: 20 + (n % 10), ...this.filler, ...bad },
    };
    const payload = Buffer.from(JSON.stringify(message));
    device.publish({ n, payload, publishedAt: performance.now(), isBad: bad !== undefined });
  }

  private sum(of: (device: LoadDevice) => number): number {
    return this.devices.reduce((total, device) => total + of(device), 0);
  }
}

function secretOf(id: string): string {
  return `fault-bench-secret-of-${id}`;
}
