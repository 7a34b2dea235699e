import { statSync } from 'node:fs';
import type { FaultCase, FaultContext } from '../fault-case.js';
import { cutTo, flipBit, framesIn, quarantined, segmentsIn, type Frame } from '../spool-files.js';
import { gatewayMetric, spoolDirectory, untilSpooling, whileFrozen } from './spool-faults.js';

const QUARANTINED = 'fieldgate_spool_quarantined_records_total';
const TORN_TAIL = 'torn tail of the spool is cut off';
/** A few records. */
const LONGEST_CUT_BYTES = 2_000;

/** The disk does not keep what it was given. Every byte and every bit of a small spool: packages/commit-log/src/spool/spool-damage.spec.ts. */
export const spoolDamageCases: readonly FaultCase[] = [
  {
    name: 'F57',
    title:
      'gateway `kill -9` while it spools, and one bit of the spool flips: all but that record are stored',
    takesMs: 35_000,
    async run(context) {
      const damaged = await afterKillWhileSpooling(context, async (frames) => {
        const bits = frames.reduce((sum, { from, to }) => sum + (to - from) * 8, 0);
        let bit = context.between(0, bits - 1);
        for (const frame of frames) {
          const { file, from, to } = frame;
          if (bit < (to - from) * 8) {
            await flipBit(file, from * 8 + bit);
            return [frame];
          }
          bit -= (to - from) * 8;
        }
        return [];
      });
      const { check, reaches } = context;
      const isCounted = async (): Promise<boolean> => (await gatewayMetric(context, QUARANTINED)) === 1;
      await reaches('the metric counts one damaged stretch', isCounted, 10_000);
      const [kept, ...others] = quarantined(spoolDirectory(context));
      check(others.length === 0, `${others.length + 1} stretches are in quarantine`);
      const [frame] = damaged;
      check(kept?.length === (frame ? frame.to - frame.from : 0), `${kept?.length} bytes are in quarantine`);
    },
  },
  {
    name: 'F58',
    title: 'gateway `kill -9` while it spools, and the end of the spool is gone: all but that are stored',
    takesMs: 35_000,
    async run(context) {
      const { installation, between, check } = context;
      const cut = await afterKillWhileSpooling(context, (frames) => {
        const file = segmentsIn(spoolDirectory(context)).at(-1) ?? '';
        const size = statSync(file).size;
        const left = Math.max(0, size - between(1, LONGEST_CUT_BYTES));
        cutTo(file, left);
        return Promise.resolve(frames.filter((frame) => frame.file === file && frame.to > left));
      });
      check(cut.length > 0, 'nothing was cut off');
      const { all } = installation.of('gateway').lines;
      const warnings = all.filter((line) => line.includes(TORN_TAIL)).length;
      check(warnings <= 1, `${warnings} warnings of a torn tail`);
      const count = await gatewayMetric(context, QUARANTINED);
      check(count === 0, `${count} stretches are in quarantine, and none is damaged`);
    },
  },
];

/** The gateway is started again when Kafka answers. What the disk has lost may be missing in the end, and nothing else. */
async function afterKillWhileSpooling(
  context: FaultContext,
  damage: (frames: readonly Frame[]) => Promise<readonly Frame[]>,
): Promise<readonly Frame[]> {
  const { installation, load, between, wait, startGateway, check } = context;
  let damaged: readonly Frame[] = [];
  await whileFrozen(context, async () => {
    await untilSpooling(context);
    await wait(between(1_000, 4_000));
    await installation.of('gateway').kill();
    damaged = await damage(framesIn(spoolDirectory(context)));
  });
  for (const { reading } of damaged) {
    if (reading === undefined) continue;
    const device = load.devices.find(({ id }) => id === reading.device);
    check(device !== undefined, `${reading.device} is unknown`);
    device?.spoilt.add(reading.n);
  }
  await startGateway();
  return damaged;
}
