import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { systemClock } from '@fieldgate/service';
import { InfluxDB } from 'influx';
import { cpuSeconds } from '../systems/usage.js';
import type { Drained } from './drain-log.js';

// node drain-stock.js <brokers> <InfluxDB's URL> <messages> <partitions at once> <pid,pid>
//
// What one would write without Fieldgate: a NestJS microservice on its own Kafka transport, and one `writePoints` a message.

const [, , brokers = '', url = '', messages = '0', atOnce = '1', others = ''] = process.argv;
const pids = others === '' ? [] : others.split(',').map(Number);
const { hostname, port } = new URL(url);
const database = `stock_${process.pid}`;
const influx = new InfluxDB({ host: hostname, port: Number(port), database });
let stored = 0;

interface TelemetryEvent {
  readonly subject: string;
  readonly time: string;
  readonly data: { readonly readings: Readonly<Record<string, number>> };
}

@Controller()
class StockController {
  @EventPattern<string>('fieldgate.telemetry.v1')
  async telemetry(@Payload() event: TelemetryEvent): Promise<void> {
    const { subject, time, data } = event;
    const point = { measurement: 'telemetry', tags: { device: subject }, fields: data.readings };
    await influx.writePoints([{ ...point, timestamp: new Date(time) }]);
    stored += 1;
  }
}

@Module({ controllers: [StockController] })
class Root {}

await influx.createDatabase(database);
const application = await NestFactory.createMicroservice<MicroserviceOptions>(Root, {
  transport: Transport.KAFKA,
  options: {
    client: { clientId: 'stock', brokers: brokers.split(',') },
    consumer: { groupId: `stock-${process.pid}`, maxWaitTimeInMs: 500 },
    subscribe: { fromBeginning: true },
    run: { partitionsConsumedConcurrently: Number(atOnce) },
  },
  logger: false,
});
await application.listen();
const result = await untilStored(Number(messages));
process.stdout.write(`${JSON.stringify({ msg: 'drained', result })}\n`);
process.exit(0); // its offsets are nobody's affair

async function untilStored(count: number): Promise<Drained> {
  while (stored === 0) await turn();
  const first = stored;
  const before = { at: systemClock.now(), cpu: process.cpuUsage(), others: pids.map(cpuSeconds) };
  while (stored < count) await turn();
  const { user, system } = process.cpuUsage(before.cpu);
  return {
    messages: stored - first,
    seconds: (systemClock.now() - before.at) / 1000,
    cpuSeconds: (user + system) / 1e6,
    otherCpuSeconds: pids.map((pid, index) => cpuSeconds(pid) - (before.others[index] ?? 0)),
    rssMb: process.memoryUsage.rss() / 1024 ** 2,
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
