import { afterEach, expect, it } from '@jest/globals';
import { appended } from '@fieldgate/commit-log';
import { Inbox } from '@fieldgate/commit-log/testing';
import { encodeTelemetry, telemetryWriter } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createKafkaLog } from '../packages/commit-log/src/kafka/kafka-log.js';

const EXAMPLE = 'examples/stock-nest-consumer';
const brokers = process.env['FIELDGATE_TEST_KAFKA'] ?? '';
const TIMEOUT_MS = 60_000;

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it(
  'a stock NestJS microservice reads telemetry with nothing of ours installed',
  async () => {
    const log = createKafkaLog({
      brokers: brokers.split(','),
      clientId: 'stock-nest-consumer-test',
      clock: systemClock,
      logger: pino({ level: 'warn' }),
    });
    await log.start();
    cleanUps.push(() => log.stop());
    const lines = startExample(); // the topics are there: Fieldgate has made them
    const device = `pump-${randomUUID()}`;
    const at = await appended(log.writer, {
      topic: 'fieldgate.telemetry.v1',
      key: device,
      value: telemetryOf(device),
    });
    const isOurs = (line: string): boolean => line.includes(device);
    const line = (await lines.until((all) => all.some(isOurs))).find(isOurs);
    expect(line).toContain(
      `${device} 2026-11-20T21:30:00.123Z {"temperature":71.4,"running":true} (${at.partition}-${at.offset})`,
    );
  },
  TIMEOUT_MS,
);

function telemetryOf(device: string): Uint8Array {
  const timeMs = Date.parse('2026-11-20T21:30:00.123Z');
  const message = { readings: { temperature: 71.4, running: true } };
  return encodeTelemetry(telemetryWriter(device, 'gw-1'), message, { id: '1', timeMs }, timeMs);
}

/** Builds the example with its own settings and runs it as its own process; resolved packages are the root's. */
function startExample(): Inbox<string> {
  const folder = mkdtempSync(join(tmpdir(), 'stock-nest-consumer-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  execFileSync(process.execPath, [
    join('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    EXAMPLE,
    '--outDir',
    folder,
  ]);
  const example = spawn(process.execPath, ['main.js'], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      NO_COLOR: '1',
      KAFKA_BROKERS: brokers,
      KAFKA_GROUP: randomUUID(),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUps.push(() => ended(example));
  const lines = new Inbox<string>();
  let rest = '';
  example.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return lines;
}

async function ended(example: ChildProcess): Promise<void> {
  if (example.exitCode !== null) return;
  const exit = once(example, 'exit');
  example.kill('SIGTERM');
  await exit;
}
