import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Judged } from './processes/drain-alerts.js';
import { fixed, median, progress, quantile, whole, type BenchOptions, type Section } from './report.js';
import { Child } from './systems/child.js';
import { withFolder } from './systems/folders.js';

const MESSAGES = 500_000;
const METRICS = 4;

/** Twenty rules of all kinds; every metric of a message is judged by some, and some devices by none of a rule. */
const RULES = `version: 1
rules:
${['temperature', 'humidity', 'pressure', 'battery']
  .flatMap((metric, index) => [
    `{ name: ${metric}-high, metric: ${metric}, threshold: { above: ${[80, 90, 1100, 5][index]}, for: 5s } }`,
    `{ name: ${metric}-low, metric: ${metric}, threshold: { below: ${[-20, 10, 900, 2][index]} }, select: { type: pump } }`,
    `{ name: ${metric}-rises, metric: ${metric}, rate: { above: 1000, per: 1m, over: 1m } }`,
    `{ name: ${metric}-absent, metric: ${metric}, absence: { after: 1h } }`,
  ])
  .concat([
    '{ name: battery-flaps, metric: battery, flapping: { changes: 1000, within: 1m }, select: { labels: { site: north } } }',
    '{ name: silent, absence: { after: 2h } }',
    '{ name: vibrates, metric: vibration, threshold: { above: 50 } }',
    '{ name: fan-hot, metric: temperature, threshold: { above: 85, clearBelow: 70 }, select: { type: fan } }',
  ])
  .map((rule) => `  - ${rule}`)
  .join('\n')}
`;

/** From a filled log to alerts, by the alerts group alone. */
export async function benchAlerts({ runs }: BenchOptions): Promise<readonly Section[]> {
  const all: Judged[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const result = await withFolder(fillAndDrain);
    all.push(result);
    progress(
      `alerts ${run}/${runs}: ${whole(readings(result) / result.cpuSeconds)} readings / CPU s, ${whole(result.alerts)} alerts, ${fixed(quantile(result.delaysMs, 0.99))} ms p99`,
    );
  }
  const delays = all.flatMap(({ delaysMs }) => delaysMs);
  return [
    {
      title: 'Alerts: 20 rules on 1,000 devices',
      note: `An embedded log filled with ${whole(MESSAGES)} messages of ${METRICS} readings, judged by the alerts group: log, decoding, rules and checkpoints. Goal: 50,000 readings / CPU s. Median of the runs.`,
      columns: ['readings/s', 'readings / CPU s', 'messages / CPU s', 'alerts', 'RSS MB'],
      rows: [
        [
          whole(median(all.map((each) => readings(each) / each.seconds))),
          whole(median(all.map((each) => readings(each) / each.cpuSeconds))),
          whole(median(all.map((each) => each.messages / each.cpuSeconds))),
          whole(median(all.map(({ alerts }) => alerts))),
          whole(median(all.map(({ rssMb }) => rssMb))),
        ],
      ],
    },
    {
      title: 'Alerts: from a reading to its alert',
      note: 'From the append of one reading beyond a limit until its alert could be read from the embedded log, one after another. Goal: 1 s.',
      columns: ['readings', 'p50 ms', 'p99 ms', 'longest ms'],
      rows: [
        [
          whole(delays.length),
          fixed(quantile(delays, 0.5)),
          fixed(quantile(delays, 0.99)),
          fixed(quantile(delays, 1)),
        ],
      ],
    },
  ];
}

async function fillAndDrain(folder: string): Promise<Judged> {
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, RULES);
  const given = JSON.stringify({ FIELDGATE_DATA_DIR: join(folder, 'data'), FIELDGATE_RULES_FILE: rules });
  const fill = Child.node('processes/fill-for-alerts.js', [given, String(MESSAGES)]);
  await fill.line('filled');
  await fill.stop();
  const drain = Child.node('processes/drain-alerts.js', [given, String(MESSAGES)]);
  const { result } = await drain.line('judged');
  await drain.stop();
  return result as Judged; // written by processes/drain-alerts.ts
}

function readings({ messages }: Judged): number {
  return messages * METRICS;
}
