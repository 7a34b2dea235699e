import { Module, type DynamicModule } from '@nestjs/common';
import { CommandDeadlinesModule } from './command-deadlines/command-deadlines.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { StorageModule } from './storage/storage.module.js';

/** The role `processors`. Needs the global ServiceModule, CommitLogModule and TelemetryStoreModule beside it, and a transport per group. */
@Module({})
export class ProcessorsModule {
  static forRoot(): DynamicModule {
    return { module: ProcessorsModule, imports: [StorageModule, PresenceModule, CommandDeadlinesModule] };
  }
}
