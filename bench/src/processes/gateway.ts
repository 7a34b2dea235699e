import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  appended,
  COMMIT_LOG,
  CommitLogModule,
  commitLogEnvironment,
  LogStart,
  type CommitLog,
  type NewRecord,
} from '@fieldgate/commit-log';
import {
  deviceIdSchema,
  encodeTableRow,
  FieldgateError,
  hashSecret,
  SALT_BYTES,
  type DeviceRecord,
} from '@fieldgate/contracts';
import { Gateway, gatewayConfigFrom, gatewayEnvironment, GatewayModule } from '@fieldgate/gateway';
import {
  createLogger,
  NestLog,
  Readiness,
  readEnvironment,
  ServiceModule,
  systemClock,
} from '@fieldgate/service';
import { z } from 'zod';
import { benchDevices } from '../mqtt/bench-devices.js';
import { metricsPort } from './metrics-port.js';
import { reportWhenAsked } from './self-report.js';

// node gateway.js '{"FIELDGATE_DATA_DIR":"…"}' <devices>
//
// The role `gateway` alone, also on the embedded log, where the command line refuses it: nobody would ever read what it writes.

@Module({})
class Root {}

const ATTEMPTS = 6;
const [, , given = '{}', deviceCount = '1'] = process.argv;
const settings = readEnvironment(z.object({ ...commitLogEnvironment, ...gatewayEnvironment }), {
  FIELDGATE_MQTT_PORT: '0',
  ...(JSON.parse(given) as Record<string, string>), // of our own bench
});
const gateway = gatewayConfigFrom(settings);
const logger = createLogger({ level: 'warn' });
const readiness = new Readiness();
const application = await NestFactory.createApplicationContext(
  {
    module: Root,
    imports: [
      ServiceModule.forRoot({ logger, readiness }),
      CommitLogModule.forRoot(settings, gateway.gatewayId), // with Kafka: behind a spool, as users have it
      GatewayModule.forRoot(gateway),
    ],
  },
  { logger: new NestLog(logger) },
);
process.once('SIGTERM', () => void application.close().then(() => process.exit(0)));
await application.get(LogStart).started;
await registerAll(application.get<CommitLog>(COMMIT_LOG), Number(deviceCount));
await readiness.ready();
reportWhenAsked();
const ports = [...application.get(Gateway).addresses].map(([scheme, { port }]) => [scheme, port]);
ports.push(['metrics', await metricsPort()]);
process.stdout.write(`${JSON.stringify({ msg: 'ready', ports: Object.fromEntries(ports) })}\n`);

/** As the operator API does it, which is not here. */
async function registerAll(log: CommitLog, count: number): Promise<void> {
  const now = systemClock.now();
  await Promise.all(
    benchDevices(count).map(({ id, secret }) => {
      const record: DeviceRecord = {
        id: deviceIdSchema.parse(id),
        labels: {},
        secret: hashSecret(secret, randomBytes(SALT_BYTES)),
        createdAt: now,
        updatedAt: now,
        creationId: randomBytes(8).toString('hex'),
        secretVersion: 1,
      };
      const value = encodeTableRow('fieldgate.devices.v1', {
        key: id,
        id: record.creationId,
        atMs: now,
        data: record,
      });
      return registered(log, { topic: 'fieldgate.devices.v1', key: id, value });
    }),
  );
}

/** A Kafka that has just started on a busy machine may have no leaders for longer than an append waits. */
async function registered(log: CommitLog, record: NewRecord): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await appended(log.writer, record);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof FieldgateError) || !error.retriable) throw error;
    }
  }
}
