import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { aFreePort, BrokerProcess } from './broker-process.js';
import { conformancePage, PAGE } from './conformance-page.js';
import { runVectors, type VectorReport } from './run-vectors.js';

const DATA = fileURLToPath(new URL('../data', import.meta.url));
const LAB_BROKER = fileURLToPath(new URL('../../lab-broker/dist/main.js', import.meta.url));

/**
 * Without options: the lab broker is started, and docs/mqtt-conformance.md written. `--port` plays the vectors against another broker, which
 * `--start` starts, and again when a case ends it.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    start: { type: 'string' },
    only: { type: 'string' },
    parallel: { type: 'string', default: '32' },
    timeout: { type: 'string', default: '1000' },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const isOurs = values.port === undefined;
const port = values.port === undefined ? await aFreePort() : Number(values.port);
const command = isOurs ? `"${process.execPath}" "${LAB_BROKER}" --port ${port}` : values.start;
const broker = command === undefined ? undefined : new BrokerProcess(command, port);
await broker?.start();
try {
  const report = await play();
  tell(report);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (isOurs && values.only === undefined) await writeFile(PAGE, conformancePage(report));
} finally {
  await broker?.stop();
}

function play(): Promise<VectorReport> {
  return runVectors({
    host: '127.0.0.1',
    port,
    folder: DATA,
    ...(values.only === undefined ? {} : { only: values.only }),
    parallel: Number(values.parallel),
    timeoutMs: Number(values.timeout),
    log: (line) => console.error(line),
    ...(broker ? { restart: () => broker.start() } : {}),
  });
}

function tell({ cases, totals, byFile, byPacketType }: VectorReport): void {
  if (values.verbose)
    for (const { score, file, group, name, got, expected } of cases)
      if (score !== 'passed') console.log(`${score} ${file} ${group}: ${name}: ${got}, expected ${expected}`);
  console.table({ ...byFile, all: totals });
  console.table(byPacketType);
  console.log(`${totals.wrong} wrong, ${totals.crash} crash of ${totals.total}`);
}
