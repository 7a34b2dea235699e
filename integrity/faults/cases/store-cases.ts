import type { FaultCase, FaultContext } from '../fault-case.js';
import { NO_FAULT, type ProxyFault } from '../proxy-fault.js';
import { PASS, type Answer, type StoreFront } from '../store-front.js';
import { frontOf, settled, tellInflux, whileStoreIs, withoutProblem } from './store-faults.js';

const STORED_WITHIN_MS = 40_000;
/** Longer than a group waits for a silent member, several times. */
const FROZEN_MS = 22_000;
const RETRY_AFTER_S = 4;
/** What was on its way when the answer was given may still come. */
const ON_ITS_WAY_MS = 1_500;

/** InfluxDB away, slow, overrun, or emptied by its operator. What it refuses of a batch stands in `store-refusal-cases.ts`. */
export const storeCases: readonly FaultCase[] = [
  {
    name: 'F20',
    title: 'InfluxDB `kill -9` and started again after 5 s',
    takesMs: 30_000,
    async run(context) {
      const { influx } = context.services;
      await context.wait(context.between(0, 1_500));
      const fault = { begin: () => influx.kill(), end: () => influx.start() };
      await whileStoreIs('unreachable', context, fault, 5_000);
    },
  },
  {
    name: 'F21',
    title: `InfluxDB frozen (SIGSTOP) for ${FROZEN_MS / 1000} s`,
    takesMs: 70_000,
    async run(context) {
      const { influx } = context.services;
      await context.wait(context.between(0, 1_500));
      const fault = { begin: () => influx.freeze(), end: () => influx.thaw() };
      await whileStoreIs('unreachable', context, fault, FROZEN_MS);
    },
  },
  {
    name: 'F22',
    title: 'InfluxDB answers after 2 s, for 12 s',
    takesMs: 40_000,
    async run(context) {
      const { services, between, wait, during } = context;
      await wait(between(0, 1_500));
      const set = (fault: ProxyFault): Promise<void> => services.store.set(fault);
      const slow = { begin: () => set({ kind: 'delay', ms: 1_000 }), end: () => set(NO_FAULT) };
      await withoutProblem(context, () => during(slow, 12_000));
    },
  },
  {
    name: 'F23',
    title: 'InfluxDB answers every write with 503, and every question as always, for 5 s',
    takesMs: 30_000,
    async run(context) {
      const front = await frontOf(context);
      const busy: Answer = { status: 503, error: 'timeout' };
      const fault = {
        begin: () => void (front.answer = ({ isWrite }) => (isWrite ? busy : undefined)),
        end: () => void (front.answer = PASS),
      };
      await whileStoreIs('busy', context, fault, 5_000);
    },
  },
  leftAloneCase('F24', 503, 'in seconds', () => String(RETRY_AFTER_S)),
  leftAloneCase('F25', 429, 'as a date', () =>
    new Date(Math.ceil(Date.now() / 1000 + RETRY_AFTER_S) * 1000).toUTCString(),
  ),
  {
    name: 'F29',
    title: 'the database dropped under load (404), twice: it is made again, what comes then is stored',
    takesMs: 30_000,
    async run(context) {
      const { services, load, database, between, wait, storeBeginsAnew, faultEnded } = context;
      for (let time = 0; time < 2; time += 1) {
        await wait(between(500, 2_000));
        await withoutRebalance(context, async () => {
          const drop = new URLSearchParams({ q: `DROP DATABASE "${database}"` });
          await tellInflux(services.influx.url, '/query', drop);
          // what was published until now may have gone with it, by the operator's hand; the log has it
          for (const { spoilt, published } of load.devices)
            for (let n = 0; n < published; n += 1) spoilt.add(n);
          storeBeginsAnew();
        });
      }
      faultEnded();
    },
  },
  {
    name: 'F30',
    title: 'answers lost after the write, ten times',
    takesMs: 25_000,
    async run({ services: { store }, between, wait, faultEnded }) {
      for (let time = 0; time < 10; time += 1) {
        await wait(between(0, 400));
        const lost = store.answerLost();
        await store.set({ kind: 'lose answers' });
        await lost;
        await store.set(NO_FAULT);
      }
      faultEnded();
    },
  },
  {
    name: 'F31',
    title: 'processors `kill -9` in the middle of a slow write',
    takesMs: 45_000,
    async run({ services: { store }, installation, random, between, wait, faultEnded }) {
      // cut off before InfluxDB has all of it, or before its answer is back
      const isHalf = random() < 0.5;
      await store.set(isHalf ? { kind: 'throttle', bytesPerSecond: 2_000 } : { kind: 'delay', ms: 1_000 });
      await wait(between(1_200, 2_800));
      await installation.of('processors').kill();
      await store.set(NO_FAULT);
      await installation.start('processors');
      faultEnded();
    },
  },
  {
    name: 'F33',
    title:
      'bursts of 2,000 readings of one metric in one millisecond, answers lost and processors killed meanwhile',
    takesMs: 45_000,
    load: { devices: 10, perSecond: 800, window: 50, clock: (n) => BURST_FROM + Math.floor(n / 2_000) },
    async run(context) {
      const { services, installation, between, wait, faultEnded } = context;
      await wait(between(3_000, 5_000));
      const lost = services.store.answerLost();
      await services.store.set({ kind: 'lose answers' });
      await lost;
      await installation.of('processors').kill();
      await services.store.set(NO_FAULT);
      await installation.start('processors');
      faultEnded();
      await wait(between(2_000, 4_000)); // the same milliseconds, after the restart
      await settled(context);
      context.load.resume();
    },
  },
];

const BURST_FROM = Date.now();

/** It says for how long it wants to be left alone, and is. */
function leftAloneCase(
  name: FaultCase['name'],
  status: number,
  how: string,
  retryAfter: () => string,
): FaultCase {
  return {
    name,
    title: `InfluxDB answers everything with ${status} and Retry-After ${RETRY_AFTER_S} (${how}), for 10 s`,
    takesMs: 35_000,
    async run(context) {
      const front = await frontOf(context);
      const fault = {
        begin: () => void (front.answer = () => ({ status, error: 'busy', retryAfter: retryAfter() })),
        end: () => void (front.answer = PASS),
      };
      await whileStoreIs('busy', context, fault, 10_000);
      checkLeftAlone(context, front);
    },
  };
}

function checkLeftAlone({ check }: FaultContext, { answeredAt }: StoreFront): void {
  const [first = 0] = answeredAt;
  const rounds = new Set(answeredAt.map((at) => Math.floor((at - first) / 1_000)));
  const early = answeredAt.filter(
    (at) => at - first > ON_ITS_WAY_MS && at - first < RETRY_AFTER_S * 1_000 - 100,
  );
  check(early.length === 0, `asked ${early.length} times while it wanted to be left alone`);
  check(rounds.size > 1, 'it was never asked again');
}

async function withoutRebalance(context: FaultContext, drop: () => Promise<void>): Promise<void> {
  const { reaches, check, load } = context;
  const { lines } = context.installation.of('processors');
  const { length } = lines.all;
  await drop();
  const said = (what: string): number => lines.all.slice(length).filter((line) => line.includes(what)).length;
  await reaches('the log says so', () => said('"problem":"database"') > 0, STORED_WITHIN_MS);
  await reaches('the database is made again', () => said('store answers again') > 0, STORED_WITHIN_MS);
  const now = performance.now();
  await reaches('devices are served', () => load.isServedSince(now), STORED_WITHIN_MS);
  check(said('does not answer') === 1, `${said('does not answer')} lines say that it is away`);
  check(said('joins again') === 0, 'the group was rebalanced');
}
