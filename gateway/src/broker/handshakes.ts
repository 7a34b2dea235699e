import type { Socket } from 'node:net';
import {
  isDeviceId,
  isRejection,
  type DeviceRecord,
  type ErrorCode,
  type Rejection,
} from '@fieldgate/contracts';
import type { Logger, RepeatedLines } from '@fieldgate/service';
import type { AuthenticateError, Client, ConnectPacket } from 'aedes';
import { connectsTotal } from '../gateway.metrics.js';
import type { Credentials } from '../sessions/authenticate-device.js';
import { assignClientId, guardPrototype, isMalformed, refuseMalformed } from './ingest-only-aedes.js';

type Authenticated = (error: AuthenticateError | null, success: boolean | null) => void;

/** What is known of a connection before its session stands. */
interface Handshake {
  readonly packet: ConnectPacket;
  /** The client left its id empty, and must be told which it has ([MQTT-3.2.2-16]). */
  readonly idAssigned: boolean;
  device?: DeviceRecord;
}

/** CONNECTs between their arrival and their CONNACK: aedes asks twice, and shows the packet only the first time. */
export class Handshakes {
  private readonly open = new WeakMap<Client, Handshake>();

  constructor(
    private readonly check: (credentials: Credentials) => Promise<DeviceRecord | Rejection>,
    private readonly logger: Logger,
    private readonly lines: RepeatedLines,
  ) {}

  begin(
    client: Client,
    packet: ConnectPacket,
    callback: (error: Error | null, success: boolean) => void,
  ): void {
    // [MQTT-3.1.3-8] only 3.1.1 with clean session 0 must not leave its client id empty
    const mayBeEmpty = packet.protocolVersion === 5 || packet.clean === true;
    const idAssigned = !packet.clientId && packet.username !== undefined && mayBeEmpty;
    if (idAssigned) packet.clientId = packet.username ?? '';
    if (isMalformed(packet) || (packet.will && isMalformed(packet.will)))
      return callback(new Error('a property of CONNECT is malformed'), false);
    guardPrototype(client);
    refuseMalformed(client);
    this.open.set(client, { packet, idAssigned });
    callback(null, true);
  }

  authenticate(
    client: Client,
    { username, password }: Pick<Credentials, 'username' | 'password'>,
    done: Authenticated,
  ): void {
    const handshake = this.open.get(client);
    if (!handshake) return done(refusal('device-unknown', 'no CONNECT'), false);
    const willTopic = handshake.packet.will?.topic;
    this.check({ clientId: client.id, username, password, willTopic }).then(
      (device) => {
        if (isRejection(device)) return this.refuse(client, device, done);
        handshake.device = device;
        if (handshake.idAssigned) assignClientId(client);
        done(null, true);
      },
      (error: unknown) => {
        connectsTotal.inc({ outcome: 'log-unavailable' });
        this.logger.error({ err: error }, 'connect not checked');
        done(refusal('log-unavailable', 'the gateway cannot check devices now'), false);
      },
    );
  }

  /** The CONNECT of a client that may come in, and who it is. */
  accepted(client: Client): { readonly packet: ConnectPacket; readonly device: DeviceRecord } | undefined {
    const handshake = this.open.get(client);
    return handshake?.device && { packet: handshake.packet, device: handshake.device };
  }

  private refuse(client: Client, { code, detail }: Rejection, done: Authenticated): void {
    connectsTotal.inc({ outcome: code });
    const handshake = this.open.get(client);
    const { username = '' } = handshake?.packet ?? {};
    const userName = isDeviceId(username) ? username : undefined;
    const { remoteAddress } = client.conn as Partial<Socket>; // undefined for other streams
    const who = { userName, clientId: client.id.slice(0, 64), remoteAddress, code };
    this.lines.log('warn', `connect ${remoteAddress} ${username} ${code}`, who, 'connect refused');
    done(refusal(code, detail), false);
  }
}

function refusal(code: ErrorCode, detail: string): AuthenticateError {
  const returnCode =
    code === 'log-unavailable' || code === 'not-ready' ? 3 : code === 'will-elsewhere' ? 5 : 4;
  return Object.assign(new Error(detail), { returnCode });
}
