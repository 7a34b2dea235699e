import { counts } from '../gateway.metrics.js';
import type { Holdable } from './paced-writer.js';

/** Of one device. */
export interface ShareLimit {
  readonly records: number;
  readonly bytes: number;
}

/**
 * What of one device waits to become durable, whichever of its connections it came over. At the limit the device is read no further than the
 * message that reached it, until half of that is durable: however much it has to tell, the others do not wait behind it.
 */
export class DeviceShare {
  private records = 0;
  private bytes = 0;
  private connection: Holdable | undefined;
  private isHeld = false;

  constructor(
    private readonly limit: ShareLimit,
    private readonly port: {
      /** Calls `letGo` in a later turn. */
      release(share: DeviceShare): void;
      /** It has nothing waiting and nobody connected. */
      idle(share: DeviceShare): void;
    },
  ) {}

  /** One more record waits. */
  add(bytes: number): void {
    this.records += 1;
    this.bytes += bytes;
    if (this.isHeld || (this.records < this.limit.records && this.bytes < this.limit.bytes)) return;
    this.isHeld = true;
    if (!this.connection) return;
    counts.heldDevices += 1;
    this.connection.hold();
  }

  /** It is durable, or never will be. */
  remove(bytes: number): void {
    this.records -= 1;
    this.bytes -= bytes;
    if (this.isHeld && this.isHalved()) this.port.release(this);
    if (this.records === 0 && !this.connection) this.port.idle(this);
  }

  /** The device's connection from now on; it waits for what came over an earlier one. */
  attach(connection: Holdable): void {
    this.connection = connection;
    if (this.isHeld) connection.hold();
  }

  /** Unless it has another one meanwhile. */
  detach(connection: Holdable): void {
    if (this.connection !== connection) return;
    this.connection = undefined;
    if (this.records === 0) this.port.idle(this);
  }

  letGo(): void {
    if (!this.isHeld || !this.isHalved()) return;
    this.isHeld = false;
    this.connection?.release();
  }

  private isHalved(): boolean {
    return this.records <= this.limit.records / 2 && this.bytes <= this.limit.bytes / 2;
  }
}

/** The shares of all devices that are connected, or have something waiting. */
export class DeviceShares {
  private readonly shares = new Map<string, DeviceShare>();
  private readonly releasing = new Set<DeviceShare>();

  constructor(private readonly limit: ShareLimit) {}

  get size(): number {
    return this.shares.size;
  }

  of(deviceId: string): DeviceShare {
    const known = this.shares.get(deviceId);
    if (known) return known;
    const share = new DeviceShare(this.limit, {
      release: (waiting) => this.release(waiting),
      idle: (nobodys) => {
        if (this.shares.get(deviceId) === nobodys) this.shares.delete(deviceId); // or a will has come late, over an earlier one
      },
    });
    this.shares.set(deviceId, share);
    return share;
  }

  /** In a later turn, after what the others have sent meanwhile was read: each has its turn. */
  private release(share: DeviceShare): void {
    if (this.releasing.size === 0) setImmediate(() => this.letGo());
    this.releasing.add(share);
  }

  private letGo(): void {
    const shares = [...this.releasing];
    this.releasing.clear();
    for (const share of shares) share.letGo();
  }
}
