import {
  deviceRecordSchema,
  gatewayHeartbeatSchema,
  sessionRecordSchema,
  type DeviceRecord,
  type GatewayHeartbeat,
  tableRows,
  type SessionRecord,
  type TableTopic,
} from '@fieldgate/contracts';
import { COMMIT_LOG, LogTable, type CommitLog } from '@fieldgate/commit-log';
import { LOGGER, SUPERVISOR, type Logger, type Supervisor } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';

/** What the API knows about devices: who is registered, who is connected, and which gateways still live. */
@Injectable()
export class DeviceTables {
  readonly devices: LogTable<DeviceRecord>;
  readonly sessions: LogTable<SessionRecord>;
  /** Key `<gateway>/<boot>`. */
  readonly gateways: LogTable<GatewayHeartbeat>;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(SUPERVISOR) supervisor: Supervisor,
    @Inject(LOGGER) logger: Logger,
  ) {
    const table = <T>(topic: TableTopic, schema: z.ZodType<T>): LogTable<T> =>
      new LogTable(log.reader, topic, tableRows(topic, schema), {
        failed: (error) => supervisor.fail(`operator API: table of ${topic}`, error),
        unreadable: ({ partition, offset }) =>
          logger.warn({ topic, partition, offset }, 'record not understood'),
      });
    this.devices = table('fieldgate.devices.v1', deviceRecordSchema);
    this.sessions = table('fieldgate.sessions.v1', sessionRecordSchema);
    this.gateways = table('fieldgate.gateways.v1', gatewayHeartbeatSchema);
  }
}
