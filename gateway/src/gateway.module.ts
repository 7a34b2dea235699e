import { Module, type DynamicModule } from '@nestjs/common';
import { GATEWAY_CONFIG, type GatewayConfig } from './gateway.config.js';
import { Gateway } from './gateway.js';

/** The role `gateway`. Needs the global ServiceModule and CommitLogModule beside it. */
@Module({})
export class GatewayModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    return {
      module: GatewayModule,
      providers: [{ provide: GATEWAY_CONFIG, useValue: config }, Gateway],
      exports: [Gateway],
    };
  }
}
