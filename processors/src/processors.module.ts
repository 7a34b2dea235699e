import { Module, type DynamicModule } from '@nestjs/common';
import { AlertsModule } from './alerts/alerts.module.js';
import { CommandDeadlinesModule } from './command-deadlines/command-deadlines.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { NotifyModule } from './notify/notify.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { DEFAULT_PROCESSORS_CONFIG, type ProcessorsConfig } from './processors.config.js';
import { StorageModule } from './storage/storage.module.js';

/** The role `processors`. Needs the global ServiceModule, CommitLogModule and TelemetryStoreModule beside it, and a transport per group. */
@Module({})
export class ProcessorsModule {
  static forRoot(config: ProcessorsConfig = DEFAULT_PROCESSORS_CONFIG): DynamicModule {
    return {
      module: ProcessorsModule,
      imports: [
        StorageModule,
        PresenceModule,
        CommandDeadlinesModule,
        AlertsModule.forRoot(config),
        LedgerModule,
        NotifyModule.forRoot(config),
      ],
    };
  }
}
