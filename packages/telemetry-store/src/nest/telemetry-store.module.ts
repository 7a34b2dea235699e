import { Module, type DynamicModule } from '@nestjs/common';
import {
  CLOCK,
  LOGGER,
  READINESS,
  SUPERVISOR,
  type Clock,
  type Logger,
  type Readiness,
  type Supervisor,
} from '@fieldgate/service';
import { openTelemetryStore, type TelemetryStoreConfig } from '../telemetry-store.config.js';
import { TELEMETRY_STORE, type TelemetryStore } from '../telemetry-store.js';
import { StoreLife } from './store-life.js';
import { StoreStart } from './store-start.js';

/** The telemetry store for every module of the process, from the start of the process to its end. */
@Module({})
export class TelemetryStoreModule {
  static forRoot(config: TelemetryStoreConfig): DynamicModule {
    return {
      module: TelemetryStoreModule,
      global: true,
      providers: [
        {
          provide: TELEMETRY_STORE,
          useFactory: (clock: Clock, logger: Logger) => openTelemetryStore(config, { clock, logger }),
          inject: [CLOCK, LOGGER],
        },
        {
          provide: StoreLife,
          useFactory: (store: TelemetryStore, supervisor: Supervisor, readiness: Readiness) =>
            new StoreLife(store, supervisor, readiness),
          inject: [TELEMETRY_STORE, SUPERVISOR, READINESS],
        },
        {
          provide: StoreStart,
          useFactory: (life: StoreLife) => new StoreStart(life.started),
          inject: [StoreLife],
        },
      ],
      exports: [TELEMETRY_STORE, StoreStart],
    };
  }
}
