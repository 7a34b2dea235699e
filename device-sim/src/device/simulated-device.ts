import type { CommandTarget } from './command-behaviour.js';
import { CommandResponder } from './command-responder.js';
import { DeliveryLedger } from '../delivery/delivery-ledger.js';
import { DeviceSession, type DeviceIdentity } from './device-session.js';
import { FAULT_SEVERITY, Faults, type FaultChange } from './faults.js';
import { between, type Random } from './random.js';
import { Signals, type SignalReadings } from './signals.js';

export interface DeviceSettings {
  readonly mqttUrl: string;
  readonly intervalMs: number;
  /** Unacknowledged messages at most: beyond it a tick is skipped, and counted. */
  readonly window: number;
}

/** Time and chance. */
export interface World {
  readonly now: () => number;
  readonly random: Random;
}

/** A device of which so much is refused stops reporting. */
const MOST_REFUSED = 1_000;

/** One pump: measures, reports, falls ill, takes commands. */
export class SimulatedDevice implements CommandTarget {
  readonly ledger = new DeliveryLedger();
  readonly session: DeviceSession;
  events = 0;
  /** The last thing that went wrong, until it is well again. */
  problem: string | undefined;
  intervalMs: number;

  private readonly signals: Signals;
  private readonly faults: Faults;
  private readonly responder: CommandResponder;
  private timer: NodeJS.Timeout | undefined;
  private nextTickMs = 0;
  private stopping = false;
  private settled: (() => void) | undefined;
  private readonly pauses = new Set<() => void>();

  constructor(
    private readonly identity: DeviceIdentity,
    private readonly settings: DeviceSettings,
    private readonly world: World,
  ) {
    this.intervalMs = settings.intervalMs;
    this.signals = new Signals(world.random, world.now());
    this.faults = new Faults(world.random, world.now());
    this.responder = new CommandResponder(
      identity.id,
      this,
      (topic, payload, options) =>
        new Promise((resolve, reject) => {
          this.session.publish(topic, payload, options, (refusal) => (refusal ? reject(refusal) : resolve()));
        }),
    );
    this.session = new DeviceSession(identity, settings.mqttUrl, world.random, {
      connected: (first) => this.onConnected(first),
      message: (topic, payload, properties) => {
        this.responder.receive(topic, payload, properties).catch((error: unknown) => {
          this.problem = `a command was not answered: ${String(error)}`;
        });
      },
      problem: (sentence) => {
        this.problem = sentence;
      },
    });
  }

  get id(): string {
    return this.identity.id;
  }
  get answers(): number {
    return this.responder.answers;
  }

  start(): void {
    if (!this.stopping) this.session.start();
  }

  /** Sends nothing new; waits for acknowledgements until `patience` ends; says goodbye. */
  async stop(patience: AbortSignal): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    for (const wake of this.pauses) wake();
    await this.allSettled(patience);
    await this.session.end(this.ledger.inFlight > 0);
  }

  // what commands can do to it

  setInterval(ms: number): void {
    this.intervalMs = ms;
    this.nextTickMs = this.now() + ms;
    this.schedule();
  }

  config(): Readonly<Record<string, unknown>> {
    const { id, protocol } = this.identity;
    return { id, protocol, firmware: '1.4.2', intervalMs: this.intervalMs, window: this.settings.window };
  }

  reboot(): void {
    this.session.drop();
  }

  pause(ms: number): Promise<boolean> {
    if (this.stopping) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.pauses.delete(done);
        resolve(!this.stopping);
      };
      const timer = setTimeout(done, ms);
      this.pauses.add(done);
    });
  }

  now(): number {
    return this.world.now();
  }

  // what it reports

  private onConnected(first: boolean): void {
    if (!first) return; // it kept measuring
    this.nextTickMs = this.now() + between(this.world.random, 0, Math.min(this.intervalMs, 10_000));
    this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.stopping) return;
    this.timer = setTimeout(() => this.tick(), Math.max(0, this.nextTickMs - this.now()));
  }

  private tick(): void {
    const now = this.now();
    // everything that is due: more than one when the interval is shorter than a timer can be
    const due = Math.max(0, Math.floor((now - this.nextTickMs) / this.intervalMs) + 1);
    this.nextTickMs += due * this.intervalMs;
    for (let left = due; left > 0; left--) {
      if (this.ledger.inFlight >= this.settings.window || this.ledger.refused >= MOST_REFUSED) {
        this.ledger.skipped += left;
        break;
      }
      this.report(now);
    }
    this.schedule();
  }

  private report(now: number): void {
    for (let change = this.faults.changeUntil(now); change; change = this.faults.changeUntil(now))
      this.publishEvent(change, this.signals.at(now, this.faults.active), now);
    const readings = this.signals.at(now, this.faults.active);
    const number = this.ledger.send(now);
    // `n` is the number again as a reading: stored like any other, it shows afterwards what became of each message
    const payload = JSON.stringify({ ts: now, seq: number, readings: { n: number, ...readings } });
    this.session.publish(`devices/${this.id}/telemetry`, payload, { qos: 1 }, (refusal) => {
      if (refusal) {
        this.ledger.refuse(number);
        this.problem = refusal.message;
      } else {
        this.ledger.acknowledge(number);
      }
      if (this.ledger.inFlight === 0) this.settled?.();
    });
  }

  private publishEvent({ type, state }: FaultChange, readings: SignalReadings, now: number): void {
    const { temperature, vibration, battery } = readings;
    const id = `event-${now}-${++this.events}`; // its readings have the ids <ts>-<seq>, and events must not share them
    const details = { temperature, vibration, battery };
    const payload = JSON.stringify({ id, ts: now, state, severity: FAULT_SEVERITY[type], details });
    this.session.publish(`devices/${this.id}/events/${type}`, payload, { qos: 1 }, (refusal) => {
      if (refusal) this.problem = `event: ${refusal.message}`;
    });
  }

  private allSettled(patience: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.settled = undefined;
        patience.removeEventListener('abort', done);
        resolve();
      };
      this.settled = done;
      patience.addEventListener('abort', done);
      if (this.ledger.inFlight === 0 || patience.aborted) done();
    });
  }
}
