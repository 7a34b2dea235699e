import type { DeviceRecord } from '@fieldgate/contracts';
import type { ConnectPacket, Limits } from '@fieldgate/mqtt-edge';
import { wantsReceipts } from '../ingest/receipt.js';
import type { DeviceShare } from '../ingest/device-share.js';
import type { DeviceLink, DeviceSession } from '../sessions/device-session.js';
import type { ResumedSession } from '../sessions/newest-sessions.js';
import { newConnectionId } from '../sessions/session-registry.js';
import { expirySecondsOf, willOf } from './answers.js';

/** The session that a CONNECT begins, or goes on with. */
export function sessionOfConnect(
  packet: ConnectPacket,
  device: DeviceRecord,
  begin: {
    readonly link: DeviceLink;
    readonly share: DeviceShare;
    readonly resumed: ResumedSession | undefined;
    readonly connectedAt: number;
    readonly limits: Limits;
  },
): DeviceSession {
  const { link, share, resumed, connectedAt, limits } = begin;
  return {
    deviceId: device.id,
    connection: newConnectionId(),
    link,
    registration: { creationId: device.creationId, secretVersion: device.secretVersion },
    protocol: packet.version === 5 ? '5' : packet.version === 3 ? '3.1' : '3.1.1',
    connectedAt,
    keepAliveSeconds: packet.keepAlive,
    topicPrefix: `devices/${device.id}/`,
    resumed: resumed !== undefined,
    share,
    wantsReceipts: wantsReceipts(packet),
    expirySeconds: expirySecondsOf(packet, limits),
    will: willOf(packet),
    subscriptions: resumed?.record.subscriptions ?? [],
    standing: 'unread',
    closed: false,
  };
}
