import { CommandsView, COMMIT_LOG, type CommitLog } from '@fieldgate/commit-log';
import { LOGGER, SUPERVISOR, type Logger, type Supervisor } from '@fieldgate/service';
import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { AcknowledgeAlert } from './alerts/acknowledge-alert.js';
import { AlertRulesController } from './alerts/alert-rules.controller.js';
import { AlertStates } from './alerts/alert-states.js';
import { AsyncApiController } from './asyncapi/asyncapi.controller.js';
import { AlertsController } from './alerts/alerts.controller.js';
import { FindAlerts } from './alerts/find-alerts.js';
import { TestRules } from './alerts/test-rules.js';
import { ApiKey } from './http/api-key.js';
import { CatchUp, CaughtUpGuard } from './catch-up.js';
import { CommandWaits } from './commands/command-waits.js';
import { CommandsController } from './commands/commands.controller.js';
import { FindCommand } from './commands/find-command.js';
import { SendCommand } from './commands/send-command.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { ReadDeadLetters } from './dead-letters/read-dead-letters.js';
import { RedriveDeadLetters } from './dead-letters/redrive-dead-letters.js';
import { DeviceTables } from './devices/device-tables.js';
import { DevicesController } from './devices/devices.controller.js';
import { ListDevices } from './devices/list-devices.js';
import { PresenceOfDevices } from './devices/presence.js';
import { RegisterDevice } from './devices/register-device.js';
import { Registry } from './devices/registry.js';
import { DurableAppend } from './durable-append.js';
import { EventsController } from './events/events.controller.js';
import { JsonOnly } from './http/json-only.js';
import { VerifyLedgerController } from './ledger/verify-ledger.controller.js';
import { VerifyLedger } from './ledger/verify-ledger.js';
import { DeviceLedgerController } from './ledger/device-ledger.controller.js';
import { LedgerTable } from './ledger/ledger-table.js';
import { OPERATOR_API_CONFIG, type OperatorApiConfig } from './operator-api.config.js';
import { DescribedRoutes } from './openapi/described-routes.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { ProblemJsonFilter } from './http/problem-json.js';
import { RequestMetrics } from './http/request-metrics.js';
import { StreamClients } from './stream/stream-clients.js';
import { StreamController } from './stream/stream.controller.js';
import { TelemetryController } from './telemetry/telemetry.controller.js';
import { Turns } from './turns.js';

/**
 * HTTP for operators. Takes the log, the store, clock, logger, supervisor and readiness from the global modules of whoever composes the
 * process; shares no memory with the other roles, and so has tables of its own.
 */
@Module({})
export class OperatorApiModule {
  static forRoot(config: OperatorApiConfig): DynamicModule {
    return {
      module: OperatorApiModule,
      imports: [DiscoveryModule],
      controllers: [
        DevicesController,
        TelemetryController,
        EventsController,
        CommandsController,
        DeadLettersController,
        AlertsController,
        AlertRulesController,
        VerifyLedgerController,
        DeviceLedgerController,
        StreamController,
        OpenApiController,
        AsyncApiController,
      ],
      providers: [
        { provide: OPERATOR_API_CONFIG, useValue: config },
        { provide: APP_FILTER, useClass: ProblemJsonFilter },
        {
          provide: CommandsView,
          inject: [COMMIT_LOG, SUPERVISOR, LOGGER],
          useFactory: commandsView,
        },
        ApiKey,
        CaughtUpGuard,
        CatchUp,
        JsonOnly,
        RequestMetrics,
        DurableAppend,
        Turns,
        DeviceTables,
        PresenceOfDevices,
        ListDevices,
        RegisterDevice,
        Registry,
        FindCommand,
        SendCommand,
        CommandWaits,
        ReadDeadLetters,
        RedriveDeadLetters,
        StreamClients,
        DescribedRoutes,
        AlertStates,
        LedgerTable,
        FindAlerts,
        AcknowledgeAlert,
        TestRules,
        VerifyLedger,
      ],
    };
  }
}

function commandsView(log: CommitLog, supervisor: Supervisor, logger: Logger): CommandsView {
  return new CommandsView(log.reader, {
    failed: (error) => supervisor.fail('operator API: commands view', error),
    unreadable: ({ topic, partition, offset }) =>
      logger.warn({ topic, partition, offset }, 'record not understood'),
  });
}
