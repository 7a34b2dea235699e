import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  COMMIT_LOG,
  commitLogEnvironment,
  CommitLogModule,
  ConsumerGroupServer,
  LogStart,
  type CommitLog,
} from '@fieldgate/commit-log';
import type { ConsumerGroup } from '@fieldgate/contracts';
import { DeliverBatch } from '@fieldgate/processors/delivery';
import {
  CLOCK,
  createLogger,
  env,
  LOGGER,
  NestLog,
  readEnvironment,
  Readiness,
  serviceEnvironment,
  ServiceModule,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { z } from 'zod';

export interface Processor {
  readonly group: ConsumerGroup;
  readonly transport: symbol;
  readonly controllers: Type[];
  /** What the controllers inject beside the log, the clock, the logger and `DeliverBatch`. */
  readonly providers?: Type[];
}

const settingsSchema = z
  .object({
    ...serviceEnvironment,
    ...commitLogEnvironment,
    /** Any free port, so that two instances can run on one machine. */
    FIELDGATE_HTTP_PORT: env.port().default(0),
    FIELDGATE_DATA_DIR: env.text().default(''),
  })
  .refine(
    (settings) => settings.FIELDGATE_KAFKA_BROKERS !== undefined || settings.FIELDGATE_DATA_DIR !== '',
    'set FIELDGATE_KAFKA_BROKERS, or FIELDGATE_DATA_DIR to the data of a Fieldgate that is stopped',
  );

/** How long an orderly stop may take, ms. */
const GRACE_MS = 10_000;

@Module({})
class Root {}

/**
 * One consumer group as a process of its own, until SIGTERM or SIGINT (exit code 0) or until it has failed for good (1). It waits for a log
 * that is away; /livez, /readyz and /metrics tell how it is. Nothing in here needs to be changed for a processor of one's own.
 */
export async function runProcessor(processor: Processor): Promise<void> {
  const settings = readEnvironment(settingsSchema, process.env);
  const { FIELDGATE_LOG_LEVEL: level, FIELDGATE_LOG_FORMAT: format } = settings;
  const pretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true);
  const logger = createLogger({ level, pretty });
  const supervisor = new Supervisor(logger);
  const readiness = new Readiness();
  const stopped = untilStopped(supervisor);
  const { group, transport, controllers, providers = [] } = processor;
  const application = await NestFactory.create<NestFastifyApplication>(
    {
      module: Root,
      imports: [ServiceModule.forRoot({ logger, supervisor, readiness }), CommitLogModule.forRoot(settings)],
      controllers,
      providers: [
        {
          provide: DeliverBatch,
          useFactory: (log: CommitLog, clock: Clock, of: Logger) => new DeliverBatch(group, log, clock, of),
          inject: [COMMIT_LOG, CLOCK, LOGGER],
        },
        ...providers,
      ],
    },
    new FastifyAdapter({ forceCloseConnections: true }),
    { logger: new NestLog(logger), abortOnError: false },
  );
  application.connectMicroservice<MicroserviceOptions>({
    strategy: new ConsumerGroupServer({
      group,
      transport,
      log: application.get<CommitLog>(COMMIT_LOG),
      started: application.get(LogStart).started,
      failed: (error) => supervisor.fail(group, error),
    }),
  });
  await application.init(); // before the consumer: it needs what onModuleInit opens
  await application.startAllMicroservices();
  await application.listen(settings.FIELDGATE_HTTP_PORT, settings.FIELDGATE_HTTP_HOST);
  logger.info({ group, http: await application.getUrl() }, 'http listening');
  void readiness.ready().then(() => logger.info({ group }, 'ready'));

  const { error } = await stopped;
  if (error !== undefined) logger.fatal({ err: error, group }, 'failed for good');
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  await application.close(); // after the batches in hand
  process.exit(error === undefined ? 0 : 1);
}

function untilStopped(supervisor: Supervisor): Promise<{ readonly error?: unknown }> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve({}));
    supervisor.onFailure((error) => resolve({ error }));
  });
}
