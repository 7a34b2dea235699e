import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runVectors } from './run-vectors.js';

const DATA = fileURLToPath(new URL('../data', import.meta.url));

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '18830' },
    only: { type: 'string' },
    parallel: { type: 'string', default: '32' },
    timeout: { type: 'string', default: '1000' },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const report = await runVectors({
  host: values.host,
  port: Number(values.port),
  folder: DATA,
  ...(values.only === undefined ? {} : { only: values.only }),
  parallel: Number(values.parallel),
  timeoutMs: Number(values.timeout),
  log: (line) => console.error(line),
});

if (values.verbose)
  for (const { score, file, group, name, got, expected } of report.cases)
    if (score !== 'passed') console.log(`${score} ${file} ${group}: ${name}: ${got}, expected ${expected}`);
console.table({ ...report.byFile, all: report.totals });
console.table(report.byPacketType);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
process.exitCode = report.totals.wrong + report.totals.crash > 0 ? 1 : 0;
