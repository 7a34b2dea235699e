import { parseArgs } from 'node:util';
import type { FaultCase } from './fault-case.js';
import { ALL_CASES, SHORT_SELECTION } from './cases/all-cases.js';

export const USAGE = `npm run faults -- --case F4 | --short | --all | --list

  --case NAME    one case; several times: several
  --short        the selection of CI
  --all          every case
  --list         what there is
  --seed N       the first seed (default 7)
  --seeds N      so many seeds of every case, one after another
                 (default 1; with --all 20 of cases under 20 s and 3 of the others)
  --lanes N      so many cases at a time, each with services of its own (default 1)
  --json FILE    the results, for machines
  --logs DIR     what the processes of a run that failed have written
  --resume       what FILE has is kept, also what failed, and not run again
  --write-docs   docs/reliability.md from the results
`;

const DEFAULT_SEED = 7;
const SHORT_CASE_MS = 20_000;
const SEEDS = { short: 20, long: 3 };

export interface Planned {
  readonly faultCase: FaultCase;
  readonly seed: number;
}

export interface Options {
  readonly list: boolean;
  readonly plan: readonly Planned[];
  readonly json: string | undefined;
  readonly logs: string | undefined;
  readonly resume: boolean;
  readonly lanes: number;
  readonly writeDocs: boolean;
}

/** Throws what is wrong with them. */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      lanes: { type: 'string', default: '1' },
      json: { type: 'string' },
      logs: { type: 'string' },
      resume: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
    },
  });
  const cases = chosen(
    values.all ? ALL_CASES.map(({ name }) => name) : values.case.concat(values.short ? SHORT_SELECTION : []),
  );
  if (cases.length === 0 && !values.list) throw new Error('no case is named');
  const first = values.seed === undefined ? DEFAULT_SEED : whole('--seed', values.seed);
  const seedsOf = ({ takesMs }: FaultCase): number => {
    if (values.seeds !== undefined) return whole('--seeds', values.seeds);
    if (!values.all || values.seed !== undefined) return 1;
    return takesMs < SHORT_CASE_MS ? SEEDS.short : SEEDS.long;
  };
  const plan = cases.flatMap((faultCase) =>
    Array.from({ length: seedsOf(faultCase) }, (_, index) => ({ faultCase, seed: first + index })),
  );
  if (values.resume && values.json === undefined) throw new Error('--resume needs --json');
  const { list, json, logs, resume, 'write-docs': writeDocs } = values;
  return { list, plan, json, logs, resume, lanes: whole('--lanes', values.lanes), writeDocs };
}

/** On two idle cores. */
export function minutesOf(plan: readonly Planned[]): number {
  return plan.reduce((sum, { faultCase: { takesMs } }) => sum + takesMs, 0) / 60_000;
}

function chosen(names: readonly string[]): FaultCase[] {
  return names.map((name) => {
    const found = ALL_CASES.find((faultCase) => faultCase.name === name.toUpperCase());
    if (found === undefined) throw new Error(`there is no case "${name}"`);
    return found;
  });
}

function whole(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${option} must be a whole number above 0`);
  return Number(text);
}
