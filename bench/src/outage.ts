import { goalTable, type Goal } from './goals.js';
import { measureOutage, OUTAGE, VARIANTS, type Outage, type VariantName } from './outage/measure-outage.js';
import { fixed, median, type BenchOptions, type Section } from './report.js';

/** What devices, and the operator of the gateway, see of a Kafka that is away for half a minute. */
export async function benchOutage({ runs }: BenchOptions): Promise<readonly Section[]> {
  const outages: Record<VariantName, Outage[]> = { frozen: [], killed: [] };
  for (let run = 1; run <= runs; run += 1)
    for (const name of Object.keys(VARIANTS) as VariantName[])
      // its own keys
      outages[name].push(await measureOutage(name, `outage ${run}/${runs}`));
  const { devices, rate, seconds } = OUTAGE;
  const note = `${devices} devices, ${rate} messages/s in all, open loop, through ${seconds} s without Kafka (one broker). Median of ${runs} runs; what must not happen at all is the sum.`;
  return [
    ...Object.entries(VARIANTS).map(
      ([name, { what }]) => goalTable(`Outage: ${what}`, note, goalsOf(outages[name as VariantName])), // the same keys
    ),
    phaseSection(outages),
  ];
}

function goalsOf(outages: readonly Outage[]): readonly Goal[] {
  const of = (figure: (outage: Outage) => number): number => median(outages.map(figure));
  const sum = (figure: (outage: Outage) => number): number =>
    outages.reduce((total, outage) => total + figure(outage), 0);
  return [
    { what: 'PUBACK p99 of all, ms', measured: of(({ steady }) => steady.all.p99Ms), atMost: 3_000 },
    { what: 'longest PUBACK, ms', measured: of(({ steady }) => steady.all.longestMs), atMost: 3_000 },
    { what: 'PUBACK p99 once spooling, ms', measured: of(({ spooling }) => spooling.p99Ms), atMost: 15 },
    {
      what: 'RSS of the gateway: growth, MB',
      measured: of(({ rss }) => rss.highest - rss.before),
      atMost: 50,
    },
    { what: 'serving again, s', measured: of(({ servingAgain }) => servingAgain), atMost: 3 },
    { what: 'backlog gone, s', measured: of(({ backlogGone }) => backlogGone), atMost: 30 },
    { what: 'devices disconnected', measured: sum(({ steady }) => steady.disconnected), atMost: 0 },
    { what: 'acknowledged, not in the log', measured: sum(({ log }) => log.lost), atMost: 0 },
    { what: 'overtaken within a device', measured: sum(({ log }) => log.overtaken), atMost: 0 },
  ];
}

function phaseSection(outages: Readonly<Record<VariantName, readonly Outage[]>>): Section {
  return {
    title: 'Outage: in figures',
    note: 'PUBACK p99 and the longest, ms, by the moment of the PUBLISH; RSS of the gateway in MB; records more than once in the log are what was resent.',
    columns: [
      '',
      'before',
      'until spooling',
      'spooling',
      'back, until the backlog is gone',
      'RSS before, highest',
      'acknowledged',
      'in the spool',
      'in the log twice',
    ],
    rows: Object.entries(VARIANTS).map(([name, { what }]) => {
      const all = outages[name as VariantName]; // the same keys
      const of = (figure: (outage: Outage) => number): number => median(all.map(figure));
      const pair = (phase: 'before' | 'away' | 'spooling' | 'back'): string =>
        `${fixed(of((outage) => outage[phase].p99Ms))}, ${fixed(of((outage) => outage[phase].longestMs))}`;
      return [
        what,
        pair('before'),
        pair('away'),
        pair('spooling'),
        pair('back'),
        `${fixed(
          of(({ rss }) => rss.before),
          0,
        )}, ${fixed(
          of(({ rss }) => rss.highest),
          0,
        )}`,
        of(({ steady }) => steady.acknowledged),
        of(({ spooled }) => spooled),
        of(({ log }) => log.repeated),
      ];
    }),
  };
}
