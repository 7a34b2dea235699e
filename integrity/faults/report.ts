import { markdownTable } from '../../packages/mqtt-edge/conformance/src/markdown-table.js';
import { PROOFS } from './cases/proofs.js';
import type { CaseResult, FaultCase } from './fault-case.js';

/** One run, and under it whatever was wrong with it. */
export function resultLine(result: CaseResult): string {
  const { name, seed, title, acknowledged, stored, lost, duplicatesInLog, reordered, storedTwice } = result;
  const { problems, disconnects, recoverySeconds, largestRssMb, seconds } = result;
  const figures = `${acknowledged} acknowledged, ${stored} stored, ${lost} lost, ${duplicatesInLog} duplicates in the log, ${reordered} reordered, ${storedTwice} stored twice, ${disconnects} connections lost, recovered in ${recoverySeconds.toFixed(1)} s, ${Math.round(largestRssMb)} MB (${seconds.toFixed(0)} s)`;
  const head = `${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name} --seed ${seed}  ${title}: ${figures}`;
  return [head, ...problems.map((problem) => `     ${problem.replaceAll('\n', '\n       ')}`)].join('\n');
}

export function sumOf(results: readonly CaseResult[]): string {
  const failed = results.filter(({ problems }) => problems.length > 0);
  const again = failed.map(({ name, seed }) => `npm run faults -- --case ${name} --seed ${seed}`);
  return [`${results.length} runs, ${failed.length} failed`, ...again].join('\n');
}

/** docs/reliability.md: the command that was really run, and one row per case, over all of its seeds. */
export function reliabilityPage(
  results: readonly CaseResult[],
  args: readonly string[],
  wasResumed = false,
): string {
  const byCase = new Map<string, CaseResult[]>();
  const inOrder = results.toSorted((a, b) => numberOf(a) - numberOf(b));
  for (const result of inOrder) byCase.set(result.name, [...(byCase.get(result.name) ?? []), result]);
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
    sum(runs, ({ disconnects }) => disconnects),
    rounded(median(runs.map(({ recoverySeconds }) => recoverySeconds))),
    rounded(Math.max(...runs.map(({ recoverySeconds }) => recoverySeconds))),
    Math.round(Math.max(...runs.map(({ largestRssMb }) => largestRssMb))),
    runs.filter(({ problems }) => problems.length > 0).length,
  ]);
  const proofs = [...byCase.keys()].map((name) => `- **${name}** ${PROOFS[name as FaultCase['name']] ?? ''}`); // it came from a case
  return [
    head(args, wasResumed),
    markdownTable(COLUMNS, rows),
    `\n${failuresOf(inOrder)}${FOOT}`,
    proofs.join('\n'),
    NOT_COVERED,
  ].join('\n');
}

/** What a failed run says first; nothing when there is none. */
function failuresOf(results: readonly CaseResult[]): string {
  const lines = results.flatMap(({ name, seed, problems: [first] }) =>
    first === undefined ? [] : [`- ${name} --seed ${seed}: ${first.split('\n')[0]}`],
  );
  return lines.length === 0 ? '' : `Failed runs:\n\n${lines.join('\n')}\n\n`;
}

const COLUMNS = [
  'case',
  'fault',
  'runs',
  'acknowledged',
  'stored',
  'lost',
  'duplicates in the log',
  'reordered',
  'stored twice',
  'connections lost',
  'recovery s, median',
  'recovery s, largest',
  'largest RSS MB',
  'failed runs',
];

const RESUMED =
  'It was broken off and resumed: its cases have not run in one go, and some beside other work of the machine.\n\n';

const head = (args: readonly string[], wasResumed: boolean): string => `# Reliability

This page is generated from a run of the fault bench; do not edit it:

\`\`\`sh
npm run faults -- ${args.join(' ')}
\`\`\`

${wasResumed ? RESUMED : ''}Simulated devices publish numbered messages with QoS 1, over MQTT 3.1.1 and 5, while something goes wrong with what is real and runs beside them: three Kafka brokers, InfluxDB, the gateway, the processors. An oracle then reads the log and the store past Fieldgate, and compares: everything acknowledged is stored, everything stored was published, each message once, in the log in the order of its session.
`;

const FOOT = `Messages are added up over all runs of a case; messages that were to be refused are not among them. What a case destroys on purpose (F29 the database, F57 and F58 a part of the spool) may be missing, and is not lost. Recovery is measured from the end of the fault until every device is served again and everything published before is stored; the memory is the gateway's, and the largest is shown. A record that is more than once in the log is stored once. "Connections lost" are those of the devices; in some cases losing them is the fault.

A run fails when anything is lost, reordered within a session, stored twice or never published, when a good message is refused, when the backlog is not gone in time, when something is left in a spool, when \`fieldgate ledger verify\` finds something missing or looks at less than was acknowledged, when the ledger of a device (in every third seed; of many: of 50; not in F13 and F29) has less in the log than its gateway has counted, when a device loses its connection in an outage that the spool bridges, or when a process ends by itself or does not stop as it should.

One run is repeated by its case and seed: \`npm run faults -- --case F1 --seed 7\`. \`--list\` says what there is.

## What each case proves

Beside what all of them prove: whatever was acknowledged is stored, once and in order.
`;

const NOT_COVERED = `
## What is not covered

- Disks that say "flushed" and have not flushed. That the flush comes before the PUBACK is seen in the system calls; what the disk makes of it is not.
- More than one machine: brokers, InfluxDB and Fieldgate share a kernel and a clock. Networks that split brokers from each other, and clocks of hosts that differ, are not tried.
- Order between gateways. A device that moves while the first gateway spools has older records behind newer ones in the log; by \`time\` they are in order.
- Loss of the only disk of a spool, of a majority of the brokers' disks, or of InfluxDB's: no copy is left.
- Devices that send neither \`id\` nor \`seq\`: what they send again is another message.
- QoS 0, which promises nothing; QoS 2 and whole-session replays, which \`integrity/qos-keeps-its-word.services.spec.ts\` holds.
- Every byte of a torn record and every bit of a small spool, which \`packages/commit-log/src/spool/spool-damage.spec.ts\` tries; F57 and F58 try one of each per run.
`;

function sum(runs: readonly CaseResult[], of: (run: CaseResult) => number): number {
  return runs.reduce((total, run) => total + of(run), 0);
}

function numberOf({ name }: CaseResult): number {
  return Number(name.slice(1));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? 0) + upper) / 2;
}

function rounded(seconds: number): number {
  return Number(seconds.toFixed(1));
}
