import 'reflect-metadata';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  KafkaContext,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';

/** The value of a record in `fieldgate.telemetry.v1`: a CloudEvents 1.0 JSON object. Only what this program looks at. */
interface TelemetryEvent {
  readonly type: 'fieldgate.telemetry.v1';
  readonly subject: string;
  readonly time: string;
  readonly data: { readonly readings: Readonly<Record<string, number | boolean | string>> };
}

@Controller()
class TelemetryController {
  private readonly logger = new Logger('Telemetry');

  /** One record a call. The offset is committed after it returns; an error makes Nest hand the same record over again. */
  @EventPattern<string>('fieldgate.telemetry.v1')
  onTelemetry(@Payload() event: TelemetryEvent | null, @Ctx() context: KafkaContext): void {
    if (event?.type !== 'fieldgate.telemetry.v1') return; // whatever else somebody wrote there: an error would bring it back for ever
    const at = `${context.getPartition()}-${context.getMessage().offset}`;
    this.logger.log(`${event.subject} ${event.time} ${JSON.stringify(event.data.readings)} (${at})`);
  }
}

@Module({ controllers: [TelemetryController] })
class AppModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
  transport: Transport.KAFKA,
  options: {
    client: {
      clientId: 'stock-nest-consumer',
      brokers: (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(','),
    },
    consumer: { groupId: process.env['KAFKA_GROUP'] ?? 'stock-nest-consumer', maxWaitTimeInMs: 500 },
    subscribe: { fromBeginning: true },
  },
});
app.enableShutdownHooks();
await app.listen();
