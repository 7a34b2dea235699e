import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchAlerts } from './alerts.js';
import { benchCommands } from './commands.js';
import { benchFootprint } from './footprint.js';
import { benchIngest } from './ingest.js';
import { machine, markdown, type Bench, type BenchOptions, type Section } from './report.js';
import { benchStorage } from './storage.js';
import { benchStream } from './stream.js';
import { profileIngest } from './profile.js';

/** One question each; `profile` only when it is named. */
const BENCHES: Readonly<Record<string, Bench>> = {
  ingest: benchIngest,
  storage: benchStorage,
  alerts: benchAlerts,
  stream: benchStream,
  commands: benchCommands,
  footprint: benchFootprint,
  profile: profileIngest,
};
const ALL = ['ingest', 'storage', 'alerts', 'stream', 'commands', 'footprint'];

const USAGE = `npm run bench -- [${Object.keys(BENCHES).join(' | ')}] [--seconds N] [--runs N] [--json FILE]

  --seconds N   how long each load is measured (default 6, after 2 s of warm-up)
  --runs N      how often everything is repeated; the median is printed (default 3)
  --json FILE   the same tables, for machines
`;

const { names, options, json } = commandLine();
const results: Record<string, readonly Section[]> = {};
process.stdout.write(`${machine()}\n`);
for (const name of names) {
  const sections = (await BENCHES[name]?.(options)) ?? [];
  results[name] = sections;
  for (const section of sections) process.stdout.write(`\n${markdown(section)}\n`);
}
if (json !== undefined)
  await writeFile(json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);

function commandLine(): {
  readonly names: readonly string[];
  readonly options: BenchOptions;
  readonly json: string | undefined;
} {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '6' },
        runs: { type: 'string', default: '3' },
        json: { type: 'string' },
      },
    });
    for (const name of positionals)
      if (!Object.hasOwn(BENCHES, name)) throw new Error(`there is no bench "${name}"`);
    return {
      names: positionals.length > 0 ? positionals : ALL,
      options: { seconds: positive('--seconds', values.seconds), runs: positive('--runs', values.runs) },
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
