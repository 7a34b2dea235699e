import { randomBytes } from 'node:crypto';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  encodeTableRow,
  hashSecret,
  SALT_BYTES,
  type DeviceRecord,
  type LogTopic,
} from '@fieldgate/contracts';
import { appended, COMMIT_LOG, LogStart, type CommitLog, type LogRecord } from '@fieldgate/commit-log';
import { createLogger, Readiness, ServiceModule, type Clock, type Logger } from '@fieldgate/service';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Gateway } from '../gateway.js';
import type { GatewayConfig } from '../gateway.config.js';
import { GatewayModule } from '../gateway.module.js';

@Global()
@Module({})
class GivenLogModule {
  static of(log: CommitLog): DynamicModule {
    return {
      module: GivenLogModule,
      providers: [
        { provide: COMMIT_LOG, useValue: log },
        { provide: LogStart, useValue: { started: log.start() } },
      ],
      exports: [COMMIT_LOG, LogStart],
    };
  }
}

/** A whole gateway on a log that the test holds in its hand. */
export interface TestGateway {
  readonly port: number;
  /** By scheme: `mqtt`, `mqtts`, `ws`, `wss`. */
  readonly ports: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export async function startGateway(
  log: CommitLog,
  options: Partial<GatewayConfig> = {},
  service: { readonly clock?: Clock; readonly monotonic?: Clock; readonly logger?: Logger } = {},
): Promise<TestGateway> {
  const readiness = new Readiness();
  const module: TestingModule = await Test.createTestingModule({
    imports: [
      ServiceModule.forRoot({ logger: createLogger({ level: 'silent' }), readiness, ...service }),
      GivenLogModule.of(log),
      GatewayModule.forRoot({
        mqttHost: '127.0.0.1',
        mqttPort: 0,
        gatewayId: 'gw-1',
        maxPacketBytes: 131_072,
        maxConnections: 100,
        holdMs: 10_000,
        maxInFlightPerDevice: { records: 256, bytes: 262_144 },
        ...options,
      }),
    ],
  }).compile();
  await module.init();
  await readiness.ready();
  const ports = new Map([...module.get(Gateway).addresses].map(([scheme, { port }]) => [scheme, port]));
  const port = ports.get('mqtt');
  if (port === undefined) throw new Error('the gateway is ready and does not listen');
  return { port, ports, stop: () => module.close() };
}

/** Puts a device into the registry, as the operator API does. */
export async function register(
  log: CommitLog,
  id: string,
  secret: string,
  secretVersion = 1,
  creationId = `creation-of-${id}`,
): Promise<void> {
  const record = {
    id: id as DeviceRecord['id'], // the test names a valid one
    labels: {},
    secret: hashSecret(secret, randomBytes(SALT_BYTES)),
    createdAt: 0,
    updatedAt: 0,
    creationId,
    secretVersion,
  } satisfies DeviceRecord;
  await appended(log.writer, {
    topic: 'fieldgate.devices.v1',
    key: id,
    value: encodeTableRow('fieldgate.devices.v1', {
      key: id,
      id: `${id}-${secretVersion}`,
      atMs: 0,
      data: record,
    }),
  });
}

/** Everything that a topic holds now, as the JSON of its values. */
export async function recordsOf(
  log: CommitLog,
  topic: LogTopic,
): Promise<{ record: LogRecord; json: Record<string, unknown> }[]> {
  const records: { record: LogRecord; json: Record<string, unknown> }[] = [];
  for (const { partition, earliest, end } of await log.reader.bounds(topic)) {
    for await (const record of log.reader.read(topic, { partition, from: earliest, to: end })) {
      records.push({
        record,
        json: JSON.parse(Buffer.from(record.value ?? 'null').toString()) as Record<string, unknown>,
      }); // our own records
    }
  }
  return records;
}
