import { setMaxListeners } from 'node:events';
import type { DeviceIdentity } from './device/device-session.js';
import { seededRandom } from './device/random.js';
import { SimulatedDevice, type DeviceSettings } from './device/simulated-device.js';

export interface FleetOptions extends DeviceSettings {
  readonly seed: number;
  readonly connectsPerSecond: number;
}

/** All devices together, now. */
export interface FleetCounts {
  readonly devices: number;
  readonly connected: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly inFlight: number;
  readonly refused: number;
  readonly skipped: number;
  readonly events: number;
  readonly answers: number;
  readonly sessionsLost: number;
  /** What one of the devices met last. */
  readonly problem?: string;
}

const CONNECT_EVERY_MS = 50;

/** Many devices: they arrive gradually and leave together. */
export class Fleet {
  readonly devices: readonly SimulatedDevice[];
  private started = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    identities: readonly DeviceIdentity[],
    private readonly options: FleetOptions,
    now: () => number,
  ) {
    this.devices = identities.map(
      (identity) =>
        new SimulatedDevice(identity, options, {
          now,
          random: seededRandom(`${options.seed}/${identity.id}`),
        }),
    );
  }

  /** A gateway that has to check a thousand log-ins in one moment is another test. */
  start(): void {
    if (this.timer) return;
    const perTurn = (this.options.connectsPerSecond * CONNECT_EVERY_MS) / 1000;
    let turns = 0;
    const connectSome = (): void => {
      const until = Math.min(this.devices.length, Math.ceil(++turns * perTurn));
      for (const device of this.devices.slice(this.started, until)) device.start();
      this.started = until;
      if (until === this.devices.length) clearInterval(this.timer);
    };
    this.timer = setInterval(connectSome, CONNECT_EVERY_MS);
    connectSome();
  }

  counts(): FleetCounts {
    const sum = (of: (device: SimulatedDevice) => number): number =>
      this.devices.reduce((total, device) => total + of(device), 0);
    const problem = this.devices.find((device) => device.problem !== undefined)?.problem;
    return {
      devices: this.devices.length,
      connected: sum(({ session }) => (session.connected ? 1 : 0)),
      sent: sum(({ ledger }) => ledger.sent),
      acknowledged: sum(({ ledger }) => ledger.acknowledged),
      inFlight: sum(({ ledger }) => ledger.inFlight),
      refused: sum(({ ledger }) => ledger.refused),
      skipped: sum(({ ledger }) => ledger.skipped),
      events: sum(({ events }) => events),
      answers: sum(({ answers }) => answers),
      sessionsLost: sum(({ session }) => session.lost),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Waits at most `patienceMs` for what is not acknowledged yet. */
  async stop(patienceMs: number): Promise<void> {
    clearInterval(this.timer);
    const patience = AbortSignal.timeout(patienceMs);
    setMaxListeners(0, patience); // every device waits for it
    await Promise.all(this.devices.map((device) => device.stop(patience)));
  }
}
