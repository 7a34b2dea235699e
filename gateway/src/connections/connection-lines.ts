import { isDeviceId, type ErrorCode } from '@fieldgate/contracts';
import type { ConnectPacket } from '@fieldgate/mqtt-edge';
import type { RepeatedLines } from '@fieldgate/service';
import { connectsTotal, subscriptionsRefusedTotal } from '../gateway.metrics.js';
import type { RefusedFilters } from './subscriptions.js';

/** Names and topics are written by strangers, and may have 65,535 bytes. */
const MOST_NAME = 64;
const MOST_TOPIC = 256;

export interface RefusedConnect {
  /** Undefined: it could not be read. */
  readonly connect: ConnectPacket | undefined;
  readonly remoteAddress: string | undefined;
  readonly code: ErrorCode;
}

/** What an operator is told of connections that go wrong: counted each time, and a line a minute for each kind, device and address. */
export class ConnectionLines {
  constructor(private readonly lines: RepeatedLines) {}

  connectRefused({ connect, remoteAddress, code }: RefusedConnect): void {
    connectsTotal.inc({ outcome: code });
    const { username, clientId, will, properties } = connect ?? {};
    const userName = username !== undefined && isDeviceId(username) ? username : undefined;
    const who = {
      userName,
      clientId: clientId?.slice(0, MOST_NAME),
      remoteAddress,
      code,
      ...(code === 'will-elsewhere' ? { topic: will?.topic.slice(0, MOST_TOPIC) } : {}),
      ...(code === 'authentication-method'
        ? { method: properties?.authenticationMethod?.slice(0, MOST_NAME) }
        : {}),
    };
    this.lines.log('warn', `connect ${remoteAddress} ${userName} ${code}`, who, 'connect refused');
  }

  /** Of a connection whose CONNECT has never come, or was none. */
  neverConnected(remoteAddress: string | undefined, reason: string): void {
    this.lines.log('info', `broken ${remoteAddress}`, { remoteAddress, reason }, 'connection broken');
  }

  broken(deviceId: string, reason: string | undefined): void {
    this.lines.log('info', `broken ${deviceId} ${reason}`, { deviceId, reason }, 'connection broken');
  }

  /** One line for each code, with the first filter that got it. */
  subscriptionRefused(deviceId: string, refused: RefusedFilters): void {
    for (const [code, { filter, count }] of refused) {
      subscriptionsRefusedTotal.inc({ code }, count);
      const which = { deviceId, filter: filter.slice(0, MOST_TOPIC), code };
      this.lines.log(
        'warn',
        `subscribe ${deviceId} ${code}`,
        count > 1 ? { ...which, filters: count } : which,
        'subscription refused',
      );
    }
  }

  throttled(deviceId: string, perSecond: number): void {
    this.lines.log(
      'warn',
      `throttled ${deviceId}`,
      { deviceId, perSecond },
      'device sends too fast, it has to wait',
    );
  }

  tooFast(deviceId: string, perSecond: number): void {
    this.lines.log(
      'warn',
      `too fast ${deviceId}`,
      { deviceId, perSecond },
      'device sent too fast for a minute, connection closed',
    );
  }
}
