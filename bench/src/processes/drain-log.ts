import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  COMMIT_LOG,
  CommitLogModule,
  commitLogEnvironment,
  ConsumerGroupServer,
  LogStart,
  type CommitLog,
} from '@fieldgate/commit-log';
import { ProcessorsModule, STORAGE } from '@fieldgate/processors';
import { createLogger, NestLog, readEnvironment, ServiceModule, systemClock } from '@fieldgate/service';
import { TelemetryStoreModule, telemetryStoreEnvironment } from '@fieldgate/telemetry-store';
import { register } from 'prom-client';
import { z } from 'zod';
import { cpuSeconds } from '../systems/usage.js';

// node drain-log.js '{"FIELDGATE_DATA_DIR":"…"}' <messages> <pid,pid>
//
// The consumer group `fieldgate.storage` alone, until it has stored everything. The clock runs from its first stored batch to its last, so
// that joining the group is not counted.

@Module({})
class Root {}

export interface Drained {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of the processes that were named. */
  readonly otherCpuSeconds: readonly number[];
  readonly rssMb: number;
}

const [, , given = '{}', messages = '0', others = ''] = process.argv;
const pids = others === '' ? [] : others.split(',').map(Number);
const settings = readEnvironment(
  z.object({ ...commitLogEnvironment, ...telemetryStoreEnvironment }),
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
      ProcessorsModule.forRoot(),
    ],
  },
  new FastifyAdapter(),
  { logger: new NestLog(logger) },
);
application.connectMicroservice<MicroserviceOptions>({
  strategy: new ConsumerGroupServer({
    group: STORAGE.group,
    transport: STORAGE.transport,
    log: application.get<CommitLog>(COMMIT_LOG),
    started: application.get(LogStart).started,
    failed: (error) => {
      throw error;
    },
  }),
});
await application.init();
await application.startAllMicroservices();
const result = await untilStored(Number(messages));
await application.close();
process.stdout.write(`${JSON.stringify({ msg: 'drained', result })}\n`);
process.exit(0);

async function untilStored(count: number): Promise<Drained> {
  let first = await stored();
  while (first === 0) first = await stored();
  const before = { at: systemClock.now(), cpu: process.cpuUsage(), others: pids.map(cpuSeconds) };
  let last = first;
  while (last < count) last = await stored();
  const { user, system } = process.cpuUsage(before.cpu);
  return {
    messages: last - first,
    seconds: (systemClock.now() - before.at) / 1000,
    cpuSeconds: (user + system) / 1e6,
    otherCpuSeconds: pids.map((pid, index) => cpuSeconds(pid) - (before.others[index] ?? 0)),
    rssMb: process.memoryUsage.rss() / 1024 ** 2,
  };
}

async function stored(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  const metric = await register.getSingleMetric('fieldgate_storage_records_total')?.get();
  return metric?.values.find(({ labels }) => labels['kind'] === 'telemetry')?.value ?? 0;
}
