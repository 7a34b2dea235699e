import { join } from 'node:path';
import { metric } from '../../support/metrics.js';
import type { Fault, FaultContext } from '../fault-case.js';
import { SmallDisk } from '../small-disk.js';
import { frozen } from './kafka-faults.js';

const WITHIN_MS = 60_000;
const MQTT5_SERVER_BUSY = 0x89;
const MQTT5_SERVER_UNAVAILABLE = 0x88;
const MQTT311_SERVER_UNAVAILABLE = 3;

export function spoolDirectory({ installation }: FaultContext): string {
  return join(installation.dataDirOf('gateway'), 'spool', 'faults-gateway');
}

export async function gatewayMetric({ installation }: FaultContext, sample: string): Promise<number> {
  return metric(await installation.of('gateway').httpUrl(), sample);
}

export function reachesState(context: FaultContext, state: 'direct' | 'spooling'): Promise<void> {
  const isIn = async (): Promise<boolean> =>
    (await gatewayMetric(context, `fieldgate_spool_state{state="${state}"}`)) === 1;
  return context.reaches(`the spool is ${state}`, isIn, WITHIN_MS);
}

/**
 * To be called before the outage; what it returns, after it. The lines tell, and not a look at the state: when the leader of only one partition was
 * away for longer than the others, little is left to be drained then, or nothing.
 */
export function drainsAfterwards({ installation, reaches }: FaultContext): () => Promise<void> {
  const { lines } = installation.of('gateway');
  const { length } = lines.all;
  const saysSo = (line: string): boolean =>
    line.includes('draining: the log answers') || line.includes('direct: the spool is empty');
  return () =>
    reaches('the log is back for the spool', () => lines.all.slice(length).some(saysSo), WITHIN_MS);
}

/** Kafka is frozen from now on, and every device is acknowledged by the spool. */
export async function untilSpooling(context: FaultContext): Promise<void> {
  await reachesState(context, 'spooling');
  const now = performance.now();
  await context.reaches(
    'every device is served by the spool',
    () => context.load.isServedSince(now),
    WITHIN_MS,
  );
}

/** While Kafka is frozen: until the spool takes no more. */
export async function untilFull(context: FaultContext): Promise<void> {
  const isFull = async (): Promise<boolean> => (await gatewayMetric(context, 'fieldgate_spool_full')) === 1;
  await context.reaches('the spool takes no more', isFull, WITHIN_MS);
}

/** Devices that are in are told to go, and those that come are not let in, each in the words of its version. */
export async function untilTurnedAway({ load, reaches }: FaultContext): Promise<void> {
  const heard = (version: 4 | 5, code: number) => (): boolean =>
    load.devices.some((device) => device.version === version && device.farewells.has(code));
  await reaches('an MQTT 5 device hears DISCONNECT 0x89', heard(5, MQTT5_SERVER_BUSY), WITHIN_MS);
  await reaches('an MQTT 5 device hears CONNACK 0x88', heard(5, MQTT5_SERVER_UNAVAILABLE), WITHIN_MS);
  await reaches('an MQTT 3.1.1 device hears CONNACK 3', heard(4, MQTT311_SERVER_UNAVAILABLE), WITHIN_MS);
}

/** The gateway again, with a disk of its own below its spool. */
export async function onSmallDisk(context: FaultContext, megabytes: number): Promise<SmallDisk> {
  const { installation, startGateway, check } = context;
  const code = await installation.of('gateway').stop();
  check(code === 0, `the gateway ended with ${code}`);
  const disk = await SmallDisk.mount(join(installation.dataDirOf('gateway'), 'spool'), megabytes);
  installation.beforeRemoval(() => disk.unmount());
  await startGateway();
  return disk;
}

/** All brokers, and what happens meanwhile; they are thawed however that ends. */
export async function whileFrozen(context: FaultContext, work: () => Promise<void>): Promise<void> {
  const kafka = frozen(context.services);
  const fault: Fault = {
    begin: async () => {
      await kafka.begin();
      await work();
    },
    end: () => kafka.end(),
  };
  await context.during(fault, 0);
}
