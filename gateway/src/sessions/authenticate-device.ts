import {
  isDeviceId,
  MAX_WILL_BYTES,
  reject,
  secretMatches,
  type DeviceRecord,
  type Rejection,
} from '@fieldgate/contracts';
import type { LogTable } from '@fieldgate/commit-log';
import { mayPublish } from './topic-access.js';

/** What a CONNECT says about who is there. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly will: { readonly topic: string; readonly payload: Uint8Array } | undefined;
}

/** How long an unknown device waits for the registry to catch up with the log. */
const CATCH_UP_MS = 500;

/** Who may connect: username = client id = device id, password = its secret, and a will only below its own topics. */
export class AuthenticateDevice {
  private readonly catchUp: CatchUp;

  constructor(private readonly devices: LogTable<DeviceRecord>) {
    this.catchUp = new CatchUp(() => devices.caughtUp());
  }

  async authenticate(credentials: Credentials): Promise<DeviceRecord | Rejection> {
    const { username, password, clientId, will } = credentials;
    if (username === undefined || !isDeviceId(username))
      return reject('device-unknown', 'the user name must be the device id');
    if (clientId !== username) return reject('client-id-mismatch');
    // an unknown device may have been registered a moment ago, at another instance
    if (!this.devices.get(username)) await this.catchUp.atMost(CATCH_UP_MS);
    const device = this.devices.get(username);
    if (!device) return reject('device-unknown');
    if (password === undefined || !secretMatches(Buffer.from(password).toString('utf8'), device.secret))
      return reject('device-secret-wrong');
    if (will && !mayPublish(username, will.topic)) return reject('will-elsewhere');
    if (will && will.payload.length > MAX_WILL_BYTES) return reject('will-too-large');
    return device;
  }
}

/**
 * Waits until a table has reached its topic's end as of the call, for at most some ms. A storm of CONNECTs costs one question at a time:
 * whoever comes while one is under way shares the next.
 */
export class CatchUp {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly caughtUp: () => Promise<void>) {}

  /** Resolves either way: with the log away, the last known table has to do. False: it may be an old one. */
  async atMost(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const isReached = this.fresh().then(
      () => true,
      () => false, // an outage is seen by /readyz; here it only means: no newer table
    );
    const isNew = await Promise.race([isReached, limit]);
    clearTimeout(timer);
    return isNew;
  }

  private fresh(): Promise<void> {
    if (!this.running) return (this.running = this.caughtUp().finally(() => (this.running = undefined)));
    this.next ??= this.running
      .catch(() => undefined) // whoever waits for that one hears of it
      .then(() => {
        this.next = undefined;
        return this.fresh();
      });
    return this.next;
  }
}
