import { markdownTable } from '../../packages/mqtt-edge/conformance/src/markdown-table.js';
import type { CaseResult } from './fault-case.js';

/** One run, and under it whatever was wrong with it. */
export function resultLine(result: CaseResult): string {
  const { name, seed, title, acknowledged, stored, lost, duplicatesInLog, reordered, storedTwice } = result;
  const { problems, recoverySeconds, largestRssMb, seconds } = result;
  const figures = `${acknowledged} acknowledged, ${stored} stored, ${lost} lost, ${duplicatesInLog} duplicates in the log, ${reordered} reordered, ${storedTwice} stored twice, recovered in ${recoverySeconds.toFixed(1)} s, ${Math.round(largestRssMb)} MB (${seconds.toFixed(0)} s)`;
  const head = `${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name} --seed ${seed}  ${title}: ${figures}`;
  return [head, ...problems.map((problem) => `     ${problem.replaceAll('\n', '\n       ')}`)].join('\n');
}

export function sumOf(results: readonly CaseResult[]): string {
  const failed = results.filter(({ problems }) => problems.length > 0);
  const again = failed.map(({ name, seed }) => `npm run faults -- --case ${name} --seed ${seed}`);
  return [`${results.length} runs, ${failed.length} failed`, ...again].join('\n');
}

/** docs/reliability.md: the command that was really run, and one row per case, over all of its seeds. */
export function reliabilityPage(results: readonly CaseResult[], args: readonly string[]): string {
  const byCase = new Map<string, CaseResult[]>();
  for (const result of results) byCase.set(result.name, [...(byCase.get(result.name) ?? []), result]);
  const rows = [...byCase].map(([name, runs]) => [
    name,
    runs[0]?.title ?? '',
    runs.length,
    sum(runs, ({ acknowledged }) => acknowledged),
    sum(runs, ({ stored }) => stored),
    sum(runs, ({ lost }) => lost),
    sum(runs, ({ duplicatesInLog }) => duplicatesInLog),
    sum(runs, ({ reordered }) => reordered),
    sum(runs, ({ storedTwice }) => storedTwice),
    Number(largest(runs, ({ recoverySeconds }) => recoverySeconds).toFixed(1)),
    Math.round(largest(runs, ({ largestRssMb }) => largestRssMb)),
    runs.filter(({ problems }) => problems.length > 0).length,
  ]);
  return `${head(args)}\n${markdownTable(COLUMNS, rows)}\n\n${FOOT}`;
}

const COLUMNS = [
  'case',
  'fault',
  'seeds',
  'acknowledged',
  'stored',
  'lost',
  'duplicates in the log',
  'reordered',
  'stored twice',
  'recovery s',
  'largest RSS MB',
  'failed runs',
];

const head = (args: readonly string[]): string => `# Reliability

This page is generated from a run of the fault bench; do not edit it:

\`\`\`sh
npm run faults -- ${args.join(' ')}
\`\`\`

Simulated devices publish numbered messages with QoS 1, over MQTT 3.1.1 and 5, while something goes wrong with what is real and runs beside them: three Kafka brokers, InfluxDB, the gateway, the processors. An oracle then reads the log and the store past Fieldgate, and compares: everything acknowledged is stored, everything stored was published, each message once, in the log in the order of its session.
`;

const FOOT = `Figures are over all seeds of a case: messages are added up, of the seconds and the memory the largest stands here. Recovery is measured from the end of the fault until every device is served again and everything published before is stored; the memory is the gateway's. A record that is more than once in the log is stored once. A run fails when anything is lost, reordered, stored twice or never published, when a good message is refused, when the backlog is not gone in time, or when a process does not stop as it should.

One run is repeated by its case and seed: \`npm run faults -- --case F1 --seed 7\`. \`--list\` says what there is.
`;

function sum(runs: readonly CaseResult[], of: (run: CaseResult) => number): number {
  return runs.reduce((total, run) => total + of(run), 0);
}

function largest(runs: readonly CaseResult[], of: (run: CaseResult) => number): number {
  return Math.max(...runs.map(of));
}
