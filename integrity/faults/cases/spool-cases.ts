import type { FaultCase } from '../fault-case.js';
import { framesIn } from '../spool-files.js';
import {
  onSmallDisk,
  drainsAfterwards,
  gatewayMetric,
  reachesState,
  spoolDirectory,
  untilFull,
  untilSpooling,
  untilTurnedAway,
  whileFrozen,
} from './spool-faults.js';

const STOPS_WITHIN_MS = 30_000;
/** A drain may be over before it is interrupted. */
const ATTEMPTS = 3;
/** 2 MB/s. */
const HEAVY = { perSecond: 800, fillerBytes: 2_000 };
/** The least that can be set. */
const SMALL_SPOOL = { FIELDGATE_SPOOL_MAX_BYTES: String(4 * 1024 ** 2) };
/** So that there is time to disturb it. */
const SLOW_DRAIN = { FIELDGATE_SPOOL_DRAIN_RECORDS_PER_SECOND: '1500' };

/** Outages of Kafka that the spool bridges, and what happens to the gateway meanwhile. Where the disk is damaged: spool-damage-cases.ts. */
export const spoolCases: readonly FaultCase[] = [
  {
    name: 'F50',
    title: 'Kafka frozen until a spool of 4 MiB is full',
    takesMs: 50_000,
    load: HEAVY,
    settings: SMALL_SPOOL,
    run: (context) =>
      whileFrozen(context, async () => {
        await untilFull(context);
        await untilTurnedAway(context);
      }),
  },
  {
    name: 'F51',
    title: 'Kafka frozen until the disk of the spool is full (8 MB tmpfs)',
    takesMs: 60_000,
    load: HEAVY,
    async run(context) {
      await onSmallDisk(context, 8);
      await whileFrozen(context, async () => {
        await untilFull(context);
        await untilTurnedAway(context);
      });
    },
  },
  {
    name: 'F52',
    title: 'the disk of the spool is read-only when Kafka freezes, and writable again before it thaws',
    takesMs: 50_000,
    async run(context) {
      const disk = await onSmallDisk(context, 64);

      await reachesState(context, 'direct');
      await disk.setReadOnly(true);
      await whileFrozen(context, async () => {
        await untilFull(context);
        await untilTurnedAway(context);
        await disk.setReadOnly(false);
        await untilSpooling(context);
      });
    },
  },
  {
    name: 'F53',
    title: 'the gateway killed with a full spool, and started again when Kafka is back',
    takesMs: 45_000,
    load: HEAVY,
    settings: SMALL_SPOOL,
    async run(context) {
      const { installation, startGateway, between, wait, check } = context;
      await whileFrozen(context, async () => {
        await untilFull(context);
        await wait(between(0, 3_000));
        await installation.of('gateway').kill();
        check(framesIn(spoolDirectory(context)).length > 0, 'the spool is empty');
      });
      await startGateway();
      await reachesState(context, 'direct');
    },
  },
  {
    name: 'F54',
    title: 'SIGTERM of the gateway while it spools',
    takesMs: 35_000,
    async run(context) {
      const { installation, startGateway, between, wait, check } = context;
      await whileFrozen(context, async () => {
        await untilSpooling(context);
        await wait(between(500, 4_000));
        const started = performance.now();
        const code = await installation.of('gateway').stop();
        check(code === 0, `the gateway ended with ${code}`);
        check(performance.now() - started < STOPS_WITHIN_MS, 'the gateway took too long to stop');
        check(framesIn(spoolDirectory(context)).length > 0, 'the spool is empty');
      });
      await startGateway();
    },
  },
  {
    name: 'F55',
    title: 'gateway `kill -9` while it spools, and twice while it drains',
    takesMs: 45_000,
    settings: SLOW_DRAIN,
    async run(context) {
      const { installation, startGateway, between, wait, faultEnded } = context;
      const gateway = (): ReturnType<typeof installation.of> => installation.of('gateway');
      await whileFrozen(context, async () => {
        await untilSpooling(context);
        await wait(between(3_000, 8_000));
        await gateway().kill();
      });
      for (let kill = 0; kill < 2; kill += 1) {
        await startGateway();
        await wait(between(100, 1_000));
        await gateway().kill();
      }
      await startGateway();
      faultEnded();
    },
  },
  {
    name: 'F56',
    title: 'two outages in a row: Kafka freezes again while the spool drains',
    takesMs: 50_000,
    load: { perSecond: 800 },
    settings: SLOW_DRAIN,
    async run(context) {
      const { between, wait, check } = context;
      const outage = (): Promise<void> =>
        whileFrozen(context, async () => {
          await untilSpooling(context);
          await wait(between(3_000, 6_000));
        });
      let isDraining = false;
      for (let attempt = 0; attempt < ATTEMPTS && !isDraining; attempt += 1) {
        const drains = drainsAfterwards(context);
        await outage();
        await drains();
        await wait(between(0, 600));
        isDraining = (await gatewayMetric(context, 'fieldgate_spool_waiting_records')) > 0;
      }
      check(isDraining, `each of ${ATTEMPTS} drains was over before Kafka froze again`);
      await outage();
    },
  },
];
