import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  appended,
  COMMIT_LOG,
  CommitLogModule,
  commitLogEnvironment,
  ConsumerGroupServer,
  LogStart,
  type CommitLog,
} from '@fieldgate/commit-log';
import { encodeTelemetry, identify, telemetryWriter } from '@fieldgate/contracts';
import { ALERTS, processorsConfigFrom, processorsEnvironment, ProcessorsModule } from '@fieldgate/processors';
import { createLogger, NestLog, readEnvironment, ServiceModule, systemClock } from '@fieldgate/service';
import { TelemetryStoreModule, telemetryStoreEnvironment } from '@fieldgate/telemetry-store';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { register } from 'prom-client';
import { z } from 'zod';
import { benchDevices } from '../mqtt/bench-devices.js';

// node drain-alerts.js '{"FIELDGATE_DATA_DIR":"…","FIELDGATE_RULES_FILE":"…"}' <messages>
//
// The consumer group `fieldgate.alerts` alone, until it has judged everything; then single readings beyond a limit, each from its append to
// its alert. The clock runs from the first judged batch to the last, so that the start is not counted.

const SINGLE = 200;

@Module({})
class Root {}

export interface Judged {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly alerts: number;
  readonly rssMb: number;
  /** From the append of a reading until its alert could be read, ms. */
  readonly delaysMs: readonly number[];
}

const [, , given = '{}', messages = '0'] = process.argv;
const settings = readEnvironment(
  z.object({ ...commitLogEnvironment, ...telemetryStoreEnvironment, ...processorsEnvironment }),
  JSON.parse(given) as Record<string, string>, // of our own bench
);
const logger = createLogger({ level: 'warn' });
const application = await NestFactory.create(
  {
    module: Root,
    imports: [
      ServiceModule.forRoot({ logger }),
      CommitLogModule.forRoot(settings),
      TelemetryStoreModule.forRoot(settings),
      ProcessorsModule.forRoot(processorsConfigFrom(settings)),
    ],
  },
  new FastifyAdapter(),
  { logger: new NestLog(logger) },
);
const log = application.get<CommitLog>(COMMIT_LOG);
application.connectMicroservice<MicroserviceOptions>({
  strategy: new ConsumerGroupServer({
    group: ALERTS.group,
    transport: ALERTS.transport,
    log,
    started: application.get(LogStart).started,
    failed: (error) => {
      throw error;
    },
  }),
});
await application.init();
await application.startAllMicroservices();
const drained = await untilJudged(Number(messages));
const result: Judged = { ...drained, delaysMs: await singleReadings() };
await application.close();
process.stdout.write(`${JSON.stringify({ msg: 'judged', result })}\n`);
process.exit(0);

async function untilJudged(count: number): Promise<Omit<Judged, 'delaysMs'>> {
  let first = await judged();
  while (first === 0) first = await judged();
  const before = { at: systemClock.now(), cpu: process.cpuUsage() };
  let last = first;
  while (last < count) last = await judged();
  const { user, system } = process.cpuUsage(before.cpu);
  return {
    messages: last - first,
    seconds: (systemClock.now() - before.at) / 1000,
    cpuSeconds: (user + system) / 1e6,
    alerts: await sum('fieldgate_alerts_transitions_total', 'change', 'raised'),
    rssMb: process.memoryUsage.rss() / 1024 ** 2,
  };
}

async function judged(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return sum('fieldgate_processor_records_total', 'group', ALERTS.group);
}

async function sum(name: string, label: string, value: string): Promise<number> {
  const metric = await register.getSingleMetric(name)?.get();
  const samples = metric?.values.filter(({ labels }) => labels[label] === value) ?? [];
  return samples.reduce((total, sample) => total + sample.value, 0);
}

/** One after another, each of another device. */
async function singleReadings(): Promise<number[]> {
  const waiting = new Map<string, () => void>();
  const following = await log.reader.follow(
    'fieldgate.alerts.v1',
    'latest',
    (records) => records.forEach(({ key }) => waiting.get(key)?.()),
    {
      failed: (error) => {
        throw error;
      },
    },
  );
  const delays: number[] = [];
  for (const { id } of benchDevices(SINGLE)) {
    const ts = systemClock.now();
    const message = { ts, readings: { vibration: 99 } };
    const told = new Promise<void>((resolve) => waiting.set(id, resolve));
    const start = performance.now();
    const identity = identify(message, ts, () => `single-${id}`);
    const value = encodeTelemetry(telemetryWriter(id, 'bench'), message, identity, ts);
    await appended(log.writer, { topic: 'fieldgate.telemetry.v1', key: id, value });
    await told;
    delays.push(performance.now() - start);
  }
  await following.stop();
  return delays;
}
