import { Module, type DynamicModule } from '@nestjs/common';
import { CurrentRulesModule } from '../notify/current-rules.js';
import { PROCESSORS_CONFIG, type ProcessorsConfig } from '../processors.config.js';
import { AlertsController } from './alerts.controller.js';

@Module({})
export class AlertsModule {
  static forRoot(config: ProcessorsConfig): DynamicModule {
    return {
      module: AlertsModule,
      imports: [CurrentRulesModule],
      controllers: [AlertsController],
      providers: [{ provide: PROCESSORS_CONFIG, useValue: config }],
    };
  }
}
