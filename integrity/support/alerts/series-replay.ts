import { setInterval } from 'node:timers/promises';
import { secretOf } from '../numbered-fleet.js';
import { RawDevice } from '../raw-device.js';
import type { Sample } from './fault-series.js';

const TURN_MS = 20;

/** Devices that send a series again, at a multiple of the speed at which it was measured; each message has an id, so a resend is the same message. */
export class SeriesReplay {
  readonly devices: readonly RawDevice[];
  private readonly byId: ReadonlyMap<string, RawDevice>;
  private next = 0;

  /** `arrivals`: of all devices, in the order of arrival. */
  constructor(
    private readonly arrivals: readonly Sample[],
    private readonly speed: number,
  ) {
    const ids = [...new Set(arrivals.map(({ deviceId }) => deviceId))];
    this.devices = ids.map((id, index) => new RawDevice(id, secretOf(id), index % 2 === 0 ? 5 : 4));
    this.byId = new Map(this.devices.map((device) => [device.id, device]));
  }

  registrations(): { id: string; secret: string }[] {
    return this.devices.map(({ id }) => ({ id, secret: secretOf(id) }));
  }

  /** All of them, and what was not answered once more. */
  async connect(port: number): Promise<void> {
    await Promise.all(this.devices.map((device) => device.connect(port)));
    for (const device of this.devices) device.resend();
  }

  /** Sends on until so many messages have gone out, and waits for no answer. */
  async sendUntil(count: number): Promise<void> {
    const first = this.arrivals[this.next];
    if (!first) return;
    let deviceMs = first.at;
    for await (const _ of setInterval(TURN_MS)) {
      deviceMs += TURN_MS * this.speed;
      for (let sample = this.arrivals[this.next]; sample; sample = this.arrivals[this.next]) {
        if (this.next >= count) return;
        if (sample.at > deviceMs) break;
        this.send(sample);
      }
      if (this.next >= this.arrivals.length) return;
    }
  }

  /** So many more, while nobody takes them: they come at once, with the next connection. */
  sendInVain(count: number): void {
    for (const sample of this.arrivals.slice(this.next, this.next + count)) this.send(sample);
  }

  /** One more message of each device, which says that it was the last one. */
  end(): void {
    const at = Math.max(...this.arrivals.map((sample) => sample.at)) + 1;
    for (const device of this.devices) device.publish(-1, { id: 'end', ts: at, readings: { end: 1 } });
  }

  async settle(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.allAcknowledged()));
  }

  close(): void {
    for (const device of this.devices) device.close();
  }

  private send({ deviceId, n, at, temperature, pressure, door }: Sample): void {
    this.next += 1;
    this.byId.get(deviceId)?.publish(n, { id: `s-${n}`, ts: at, readings: { temperature, pressure, door } });
  }
}
