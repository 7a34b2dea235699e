import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchAlerts } from './alerts.js';
import { benchCommands } from './commands.js';
import { benchEdge, benchEdgeIdle, benchEdgeSpeed } from './edge.js';
import { benchFairness } from './fairness.js';
import { benchFootprint } from './footprint.js';
import { machine, markdown, type Bench, type BenchOptions, type Section } from './report.js';
import { benchStorage } from './storage.js';
import { benchStream } from './stream.js';
import { benchOutage } from './outage.js';
import { benchSpool } from './spool.js';
import { profileIngest } from './profile.js';

/** One question each; `edge-speed` and `edge-idle` are the halves of `edge`. */
const BENCHES: Readonly<Record<string, Bench>> = {
  storage: benchStorage,
  alerts: benchAlerts,
  stream: benchStream,
  commands: benchCommands,
  footprint: benchFootprint,
  fairness: benchFairness,
  spool: benchSpool,
  outage: benchOutage,
  edge: benchEdge,
  'edge-speed': benchEdgeSpeed,
  'edge-idle': benchEdgeIdle,
  profile: profileIngest,
};
const ALL = ['edge', 'storage', 'alerts', 'stream', 'commands', 'footprint', 'fairness', 'spool', 'outage'];
const SECONDS = 6;
/** Twenty-five loads a run: shorter, so that three runs take a quarter of an hour. */
const EDGE_SECONDS = 3;

const USAGE = `npm run bench -- [${Object.keys(BENCHES).join(' | ')}] [--seconds N] [--runs N] [--server FILE] [--json FILE]

  --seconds N   how long each load is measured (default ${SECONDS}, of the edge ${EDGE_SECONDS}; after a warm-up)
  --runs N      how often everything is repeated; the median is printed (default 3)
  --server FILE (edge) a program of yours that is measured beside ours: node FILE PORT, lets everybody in
  --json FILE   the same tables, for machines
`;

const { names, optionsOf, json } = commandLine();
const results: Record<string, readonly Section[]> = {};
process.stdout.write(`${machine()}\n`);
for (const name of names) {
  const sections = (await BENCHES[name]?.(optionsOf(name))) ?? [];
  results[name] = sections;
  for (const section of sections) process.stdout.write(`\n${markdown(section)}\n`);
}
if (json !== undefined)
  await writeFile(json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);

function commandLine(): {
  readonly names: readonly string[];
  readonly optionsOf: (name: string) => BenchOptions;
  readonly json: string | undefined;
} {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string' },
        runs: { type: 'string', default: '3' },
        server: { type: 'string' },
        json: { type: 'string' },
      },
    });
    for (const name of positionals)
      if (!Object.hasOwn(BENCHES, name)) throw new Error(`there is no bench "${name}"`);
    const seconds = values.seconds === undefined ? undefined : positive('--seconds', values.seconds);
    const runs = positive('--runs', values.runs);
    const { server } = values;
    return {
      names: positionals.length > 0 ? positionals : ALL,
      optionsOf: (name) => ({
        seconds: seconds ?? (name.startsWith('edge') ? EDGE_SECONDS : SECONDS),
        runs,
        ...(server === undefined ? {} : { server }),
      }),
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(1);
  }
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${flag} must be a whole number from 1`);
}
