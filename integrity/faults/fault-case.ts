import type { BenchServices, ClusterOptions } from './bench-services.js';
import type { Installation, ProcessName } from './installation.js';
import type { Load, LoadOptions } from './load.js';
import type { Proxy } from './proxy.js';

/** Something that goes wrong for a while. */
export interface Fault {
  begin(): Promise<unknown> | void;
  end(): Promise<unknown> | void;
}

/** What a case has at hand. The load is running, and every device has been served. */
export interface FaultContext {
  readonly services: BenchServices;
  /** gateway, processors and operator-api, and what the case has started beside them. */
  readonly installation: Installation;
  readonly load: Load;
  /** Of InfluxDB, for this run alone. */
  readonly database: string;
  /** Between the devices and each gateway, by its name. */
  readonly doors: ReadonlyMap<ProcessName, Proxy>;
  /** In [0, 1), from the seed. */
  readonly random: () => number;
  /** A whole number of them, from the seed, both included. */
  readonly between: (from: number, to: number) => number;
  /** The load goes on meanwhile. */
  readonly wait: (ms: number) => Promise<void>;
  /** From the end of the last one on, recovery is measured. */
  readonly during: (fault: Fault, ms: number) => Promise<void>;
  /** For a case that takes the database away: nobody asks for what was in it. */
  readonly storeBeginsAnew: () => void;
  /** For faults that have no end of their own. */
  readonly faultEnded: () => void;
  /** For a case that takes the telemetry topic away: after it, offsets begin at 0. */
  readonly logBeginsAnew: () => void;
  /** The gateway again, on its data, and its door leads to it. */
  readonly startGateway: (name?: ProcessName) => Promise<void>;
  /** Polls; `what` failing within the time is a problem of this run. */
  readonly reaches: (
    what: string,
    isTrue: () => boolean | Promise<boolean>,
    withinMs: number,
  ) => Promise<void>;
  /** False: a problem of this run. */
  readonly check: (isTrue: boolean, problem: string) => void;
}

export interface FaultCase {
  /** F1 to F19: gateway, Kafka and processors; F20 to F39: the store; F40 on: devices and disk. */
  readonly name: `F${number}`;
  readonly title: string;
  /** What the short selection of CI shows with it: "what is acknowledged is stored, once and in order, …". Default: the title. */
  readonly promise?: string;
  /** On two idle cores, with the wait for recovery: long ones are run with fewer seeds. */
  readonly takesMs: number;
  readonly load?: Omit<LoadOptions, 'prefix'>;
  /** Of every process of Fieldgate. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Services of its own, which end with it. Default: those that all cases share. */
  readonly services?: ClusterOptions;
  /** Beside one of each role. */
  readonly extra?: readonly ProcessName[];
  /** Which gateway a device goes to at each connect. Default: `gateway`. */
  readonly gatewayOf?: (random: () => number) => ProcessName;
  /** Devices move between gateways: order is only promised within each. */
  readonly ordersPerGateway?: true;
  /** The spool copes: no device loses its connection. */
  readonly devicesStay?: true;
  /** How long it may take after the fault until everything is acknowledged and stored. Default 120 s. */
  readonly recoversWithinMs?: number;
  run(context: FaultContext): Promise<void>;
}

/** One row of the table. */
export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly seed: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly lost: number;
  readonly reordered: number;
  readonly storedTwice: number;
  readonly duplicatesInLog: number;
  /** Connections that devices have lost. */
  readonly disconnects: number;
  /** From the end of the fault until every device is served again and what was published before is stored. */
  readonly recoverySeconds: number;
  /** Of the gateway. */
  readonly largestRssMb: number;
  readonly seconds: number;
  /** Of these: start, fault with load, recovery, stop, judgement. */
  readonly phases: readonly number[];
  /** Anything but what was promised. Empty: passed. */
  readonly problems: readonly string[];
}
