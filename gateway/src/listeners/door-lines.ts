import type { RepeatedLines } from '@fieldgate/service';
import { connectionErrorsTotal, tlsErrorsTotal } from '../gateway.metrics.js';
import { tlsFailure } from './tls-failure.js';

/** What an operator is told of those who do not even become a connection: counted each time, and a line a minute for each kind and address. */
export class DoorLines {
  constructor(private readonly lines: RepeatedLines) {}

  tlsFailed(scheme: string, remoteAddress: string | undefined, error: NodeJS.ErrnoException): void {
    const { kind, reason } = tlsFailure(error);
    tlsErrorsTotal.inc({ kind });
    this.lines.log(
      kind === 'ended' ? 'info' : 'warn', // a load balancer that looks whether somebody listens ends it as well
      `tls ${remoteAddress} ${kind}`,
      { scheme, remoteAddress, reason },
      'tls handshake failed',
    );
  }

  webSocketRefused(scheme: string, remoteAddress: string | undefined, reason: string): void {
    connectionErrorsTotal.inc();
    this.lines.log(
      'warn',
      `websocket ${remoteAddress} ${reason}`,
      { scheme, remoteAddress, reason },
      'websocket refused',
    );
  }
}
