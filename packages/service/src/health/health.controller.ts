import { Controller, Get, Header, HttpCode, Inject, Res } from '@nestjs/common';
import { register } from 'prom-client';
import { READINESS, Readiness } from './readiness.js';

interface Reply {
  code(status: number): Reply;
}

/** For orchestrators and Prometheus; needs no key. */
@Controller()
export class HealthController {
  constructor(@Inject(READINESS) private readonly readiness: Readiness) {}

  /** The process runs and its event loop turns. */
  @Get('livez')
  @HttpCode(200)
  live(): { status: string } {
    return { status: 'ok' };
  }

  /** 200 when every part can do its job, else 503; the body says which part cannot, and why. */
  @Get('readyz')
  ready(@Res({ passthrough: true }) reply: Reply): {
    status: string;
    checks: Readonly<Record<string, string>>;
  } {
    const { ready, checks } = this.readiness.report();
    reply.code(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'not ready', checks };
  }

  @Get('metrics')
  @Header('content-type', register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }
}
