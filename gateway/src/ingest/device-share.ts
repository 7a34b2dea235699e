import type { MintId } from '@fieldgate/contracts';
import { counts } from '../gateway.metrics.js';
import type { Holdable } from './paced-writer.js';

/** Of one device. */
export interface ShareLimit {
  readonly records: number;
  readonly bytes: number;
}

/** For each share that a device took. With one of a millisecond the others wait three times as long beside a flush as without it (docs/performance.md). */
const PAUSE_MS = 5;

/** Hands over more until the share is full. Returns whether that was all. */
export type GoOn = () => boolean;

/**
 * What of one device waits to become durable, whichever of its connections it came over. At the limit the device is read no further than the
 * message that reached it, until half of that is durable and a pause is over, and the rest of an array waits as well: however much it has to
 * tell, the others do not wait behind it.
 */
export class DeviceShare {
  private records = 0;
  private bytes = 0;
  private connection: Holdable | undefined;
  /** The connection is. */
  private isHeld = false;
  private reachedLimit = false;
  /** Records, at the limit and since: the piece of an array that reached it goes in whole. */
  private taken = 0;
  private pause: NodeJS.Timeout | undefined;
  /** Of messages that were more than there was room for, the oldest first. */
  private readonly rest: GoOn[] = [];
  private isGoingOn = false;
  /** For what it sends without an id, over whichever connection: one that takes over goes on where the last one was. */
  mintId?: MintId;

  constructor(
    private readonly limit: ShareLimit,
    /** It has nothing waiting and nobody connected. */
    private readonly idle: (share: DeviceShare) => void,
  ) {}

  /** At its limit, and not back at half of it yet. */
  get isFull(): boolean {
    return this.reachedLimit;
  }

  /** What is newer goes behind the rest of what came before it, also that of a later connection. */
  get isBehind(): boolean {
    return this.rest.length > 0;
  }

  /** Now, or behind what is left; and on when there is room again. */
  run(goOn: GoOn): void {
    if (this.isBehind && !this.isGoingOn) this.rest.push(goOn);
    else if (!goOn()) this.rest.unshift(goOn); // what is left came later
  }

  /** One more record waits. */
  add(bytes: number): void {
    this.records += 1;
    this.bytes += bytes;
    this.taken = this.isFull ? this.taken + 1 : this.records;
    if (this.isFull || (this.records < this.limit.records && this.bytes < this.limit.bytes)) return;
    this.reachedLimit = true;
    if (this.isHeld || !this.connection) return;
    counts.heldDevices += 1;
    this.hold(this.connection);
  }

  /** It is durable, or never will be. */
  remove(bytes: number): void {
    this.records -= 1;
    this.bytes -= bytes;
    if (this.isFull && this.isHalved()) this.goOnSoon();
    this.look();
  }

  /** The device's connection from now on; it waits for what came over an earlier one. */
  attach(connection: Holdable): void {
    this.connection = connection;
    this.isHeld = false;
    if (this.isFull) this.hold(connection);
  }

  /** Unless it has another one meanwhile. */
  detach(connection: Holdable): void {
    if (this.connection !== connection) return;
    this.connection = undefined;
    this.isHeld = false;
    this.look();
  }

  /** What the others have sent meanwhile is read and written first. */
  private goOnSoon(): void {
    this.pause ??= setTimeout(
      () => {
        this.pause = undefined;
        this.letGo();
      },
      Math.ceil(this.taken / this.limit.records) * PAUSE_MS,
    );
  }

  private letGo(): void {
    if (!this.isHalved()) return; // by a will: when that is durable
    this.reachedLimit = false;
    this.isGoingOn = true;
    while (!this.isFull) {
      const goOn = this.rest.shift();
      if (!goOn) break;
      this.run(goOn);
    }
    this.isGoingOn = false;
    if (this.isFull) return;
    const wasHeld = this.isHeld;
    this.isHeld = false; // before it is read on, at once
    if (wasHeld) this.connection?.release();
    this.look();
  }

  private hold(connection: Holdable): void {
    this.isHeld = true;
    connection.hold();
  }

  private look(): void {
    if (this.records === 0 && !this.isBehind && !this.connection) this.idle(this);
  }

  private isHalved(): boolean {
    return this.records <= this.limit.records / 2 && this.bytes <= this.limit.bytes / 2;
  }
}

/** The shares of all devices that are connected, or have something waiting. */
export class DeviceShares {
  private readonly shares = new Map<string, DeviceShare>();

  constructor(private readonly limit: ShareLimit) {}

  get size(): number {
    return this.shares.size;
  }

  of(deviceId: string): DeviceShare {
    const known = this.shares.get(deviceId);
    if (known) return known;
    const share = new DeviceShare(this.limit, (nobodys) => {
      if (this.shares.get(deviceId) === nobodys) this.shares.delete(deviceId); // or a will has come late, over an earlier one
    });
    this.shares.set(deviceId, share);
    return share;
  }
}
