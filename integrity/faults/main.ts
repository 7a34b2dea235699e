import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BenchServices } from './bench-services.js';
import { ALL_CASES } from './cases/all-cases.js';
import type { CaseResult } from './fault-case.js';
import { minutesOf, optionsOf, USAGE, type Options } from './options.js';
import { reliabilityPage, resultLine, sumOf } from './report.js';
import { runCase } from './run-case.js';

const PAGE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

const options = commandLine();
if (options.list) list();
else await run(options);

function list(): void {
  for (const { name, title, takesMs } of ALL_CASES) print(`${name.padEnd(4)} ${title} (${takesMs / 1000} s)`);
  const all = optionsOf(['--all']).plan;
  print(
    `--all: ${all.length} runs, about ${Math.ceil(minutesOf(all))} minutes, and with --lanes 2 on two idle cores two thirds of that`,
  );
}

async function run({ plan, json, logs, resume, lanes, writeDocs }: Options): Promise<void> {
  const results = json !== undefined && resume ? await resultsIn(json) : [];
  const left = plan.filter(
    ({ faultCase: { name }, seed }) => !results.some((done) => done.name === name && done.seed === seed),
  );
  const lane = async (): Promise<void> => {
    const services = await BenchServices.start({ report: (line) => process.stderr.write(`${line}\n`) });
    try {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const result = await runCase(next.faultCase, next.seed, services, logs);
        results.push(result);
        print(resultLine(result));
        if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`); // after each: a run that is broken off can be resumed
      }
    } finally {
      await services.stop();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  print(sumOf(results));
  if (writeDocs) await writeFile(PAGE, reliabilityPage(results, whatWasAsked(process.argv.slice(2)), resume));
  process.exitCode = results.some(({ problems }) => problems.length > 0) ? 1 : 0;
}

async function resultsIn(file: string): Promise<CaseResult[]> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as CaseResult[]) : []; // written above
}

/** Where the results were kept meanwhile says nothing about them. */
function whatWasAsked(args: readonly string[]): string[] {
  const files = ['--json', '--logs'];
  return args.filter(
    (arg, index) => ![...files, '--resume'].includes(arg) && !files.includes(args[index - 1] ?? ''),
  );
}

function commandLine(): Options {
  try {
    return optionsOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`faults: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
