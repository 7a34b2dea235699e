import type { Readings } from '@fieldgate/contracts';
import { RawDevice } from './raw-device.js';

/**
 * Devices that publish numbered messages with a window each, and keep their books across connections: what was sent, and what was
 * acknowledged. Each message carries `ts` and `seq`, so that a resend is the same message.
 */
export class NumberedFleet {
  readonly devices: readonly RawDevice[];
  private readonly nextNumber = new Map<string, number>();
  private acknowledgedSinceMark = 0;
  private mark: { readonly count: number; readonly resolve: () => void } | undefined;
  private publishing = false;

  constructor(
    prefix: string,
    count: number,
    private readonly window: number,
    /** Of message n, beside n itself. */
    private readonly readingsOf: (n: number) => Readings = (n) => ({ temperature: 20 + (n % 10) }),
  ) {
    this.devices = Array.from(
      { length: count },
      (_, index) =>
        new RawDevice(`${prefix}-${index}`, secretOf(`${prefix}-${index}`), index % 2 === 0 ? 5 : 4),
    );
    for (const device of this.devices) {
      device.onAcknowledged = () => {
        this.acknowledgedSinceMark += 1;
        if (this.mark && this.acknowledgedSinceMark >= this.mark.count) this.mark.resolve();
        if (this.publishing) this.fill(device);
      };
    }
  }

  registrations(): { id: string; secret: string }[] {
    return this.devices.map(({ id }) => ({ id, secret: secretOf(id) }));
  }

  /** Connects all with a session that is to be kept, and sends again what was not answered. */
  async connect(port: number): Promise<void> {
    await Promise.all(this.devices.map((device) => device.connect(port)));
    for (const device of this.devices) device.resend();
  }

  /** Publishes until so many more are acknowledged; what is in flight then stays in flight. */
  async publishUntil(acknowledged: number): Promise<void> {
    await this.run(acknowledged, true);
  }

  /** Waits until nothing is in flight. */
  async settle(): Promise<void> {
    const open = this.inFlight;
    if (open > 0) await this.run(open, false);
  }

  get inFlight(): number {
    return this.devices.reduce((sum, device) => sum + device.inFlight, 0);
  }

  get sent(): number {
    return this.devices.reduce((sum, device) => sum + device.sent, 0);
  }

  get acknowledged(): number {
    return this.devices.reduce((sum, device) => sum + device.acknowledged.size, 0);
  }

  close(): void {
    for (const device of this.devices) device.close();
  }

  private async run(count: number, publishing: boolean): Promise<void> {
    this.acknowledgedSinceMark = 0;
    this.publishing = publishing;
    const reached = new Promise<void>((resolve, reject) => {
      this.mark = { count, resolve };
      for (const device of this.devices)
        device.onClosed = () => reject(new Error(`connection of ${device.id} closed`));
    });
    if (publishing) for (const device of this.devices) this.fill(device);
    try {
      await reached;
    } finally {
      this.mark = undefined;
      this.publishing = false;
      for (const device of this.devices) device.onClosed = () => undefined;
    }
  }

  private fill(device: RawDevice): void {
    while (device.isOpen && device.inFlight < this.window) {
      const n = this.nextNumber.get(device.id) ?? 0;
      this.nextNumber.set(device.id, n + 1);
      device.publish(n, { ts: Date.now(), seq: n, readings: { n, ...this.readingsOf(n) } });
    }
  }
}

export function secretOf(id: string): string {
  return `integrity-secret-of-${id}`;
}
