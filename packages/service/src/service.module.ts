import { Module, type DynamicModule } from '@nestjs/common';
import { CLOCK, MONOTONIC, monotonicClock, systemClock, type Clock } from './clock.js';
import { HealthController } from './health/health.controller.js';
import { READINESS, Readiness } from './health/readiness.js';
import { LOGGER, type Logger } from './logger.js';
import { SUPERVISOR, Supervisor } from './supervisor.js';

/** What every process has, whatever its roles: clocks, log, supervisor, health. Global, and imported once at the root. */
@Module({})
export class ServiceModule {
  static forRoot(parts: {
    logger: Logger;
    clock?: Clock;
    monotonic?: Clock;
    supervisor?: Supervisor;
    readiness?: Readiness;
  }): DynamicModule {
    return {
      module: ServiceModule,
      global: true,
      controllers: [HealthController],
      providers: [
        { provide: LOGGER, useValue: parts.logger },
        { provide: CLOCK, useValue: parts.clock ?? systemClock },
        { provide: MONOTONIC, useValue: parts.monotonic ?? monotonicClock },
        { provide: SUPERVISOR, useValue: parts.supervisor ?? new Supervisor(parts.logger) },
        { provide: READINESS, useValue: parts.readiness ?? new Readiness() },
      ],
      exports: [LOGGER, CLOCK, MONOTONIC, SUPERVISOR, READINESS],
    };
  }
}
