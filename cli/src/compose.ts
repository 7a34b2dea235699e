import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  COMMIT_LOG,
  CommitLogModule,
  ConsumerGroupServer,
  LogStart,
  type CommitLog,
} from '@fieldgate/commit-log';
import { GatewayModule, gatewayConfigFrom } from '@fieldgate/gateway';
import { operatorHttpAdapter, OperatorApiModule } from '@fieldgate/operator-api';
import { PROCESSOR_GROUPS, processorsConfigFrom, ProcessorsModule } from '@fieldgate/processors';
import { NestLog, ServiceModule, type Logger, type Readiness, type Supervisor } from '@fieldgate/service';
import { TelemetryStoreModule } from '@fieldgate/telemetry-store';
import type { Role } from './roles.js';
import type { Settings } from './settings.js';

@Module({})
class Root {}

export interface Parts {
  readonly logger: Logger;
  readonly supervisor: Supervisor;
  readonly readiness: Readiness;
  /** Of the operator API. */
  readonly adminKeyHash: string | undefined;
}

/** One process with some roles: the modules, an HTTP server, and a transport per consumer group. Nothing runs yet. */
export async function compose(
  roles: readonly Role[],
  settings: Settings,
  parts: Parts,
): Promise<NestFastifyApplication> {
  const application = await NestFactory.create<NestFastifyApplication>(
    rootModule(roles, settings, parts),
    operatorHttpAdapter(),
    {
      logger: new NestLog(parts.logger),
      abortOnError: false,
    },
  );
  if (roles.includes('processors')) connectGroups(application, parts);
  return application;
}

function rootModule(roles: readonly Role[], settings: Settings, parts: Parts): DynamicModule {
  const { logger, supervisor, readiness, adminKeyHash } = parts;
  const gateway = roles.includes('gateway') ? gatewayConfigFrom(settings) : undefined;
  const imports: DynamicModule[] = [
    ServiceModule.forRoot({ logger, supervisor, readiness }),
    CommitLogModule.forRoot(settings, gateway?.gatewayId),
  ];
  if (roles.includes('processors') || roles.includes('operator-api'))
    imports.push(TelemetryStoreModule.forRoot(settings));
  if (gateway) imports.push(GatewayModule.forRoot(gateway));
  if (roles.includes('processors')) imports.push(ProcessorsModule.forRoot(processorsConfigFrom(settings)));
  if (roles.includes('operator-api') && adminKeyHash !== undefined)
    imports.push(OperatorApiModule.forRoot({ adminKeyHash }));
  return { module: Root, imports };
}

function connectGroups(application: NestFastifyApplication, { supervisor }: Parts): void {
  const log = application.get<CommitLog>(COMMIT_LOG);
  const start = application.get(LogStart);
  for (const { group, transport } of PROCESSOR_GROUPS) {
    application.connectMicroservice<MicroserviceOptions>({
      strategy: new ConsumerGroupServer({
        group,
        transport,
        log,
        started: start.started,
        failed: (error) => supervisor.fail(group, error),
      }),
    });
  }
}
