import type { Socket } from 'node:net';
import {
  telemetryWriter,
  V3_SESSION_EXPIRY_SECONDS,
  type DeviceRecord,
  type Rejection,
  type Subscription,
} from '@fieldgate/contracts';
import { RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import { type AedesPublishPacket, type Client, type PublishPacket } from 'aedes';
import type { GatewayConfig } from '../gateway.config.js';
import { connectionErrorsTotal, connectsTotal, counts } from '../gateway.metrics.js';
import type { IngestOutcome, InboundPublish } from '../ingest/publish.js';
import { OrderedSettlements } from '../ingest/ordered-settlements.js';
import type { Credentials } from '../sessions/authenticate-device.js';
import type { DeviceSession, DisconnectReason } from '../sessions/device-session.js';
import { newConnectionId } from '../sessions/session-registry.js';
import { maySubscribe } from '../sessions/topic-access.js';
import { AedesConnection } from './aedes-connection.js';
import { DevicePersistence, fromAedes, isSessionMark, type AedesSubscription } from './device-persistence.js';
import { Handshakes } from './handshakes.js';
import { inboundPublish } from './inbound-publish.js';
import { IngestOnlyAedes, saidGoodbye } from './ingest-only-aedes.js';

/** What the broker asks and tells the rest of the gateway. */
export interface BrokerPort {
  authenticate(credentials: Credentials): Promise<DeviceRecord | Rejection>;
  /** Subscriptions of a session to resume; undefined when there is none. */
  resume(deviceId: string): Promise<readonly Subscription[] | undefined>;
  connected(session: DeviceSession): void;
  disconnected(session: DeviceSession, reason: DisconnectReason): void;
  subscribed(session: DeviceSession, subscriptions: readonly Subscription[]): Promise<void>;
  unsubscribed(session: DeviceSession, filters: readonly string[]): Promise<void>;
  ingest(session: DeviceSession, publish: InboundPublish, settled: (outcome: IngestOutcome) => void): void;
}

/** The longest session that a device may ask for, seconds. */
const SESSION_EXPIRY_LIMIT_SECONDS = 7 * 86_400;
const CONNECT_TIMEOUT_MS = 10_000;
/** A device that does not read for this long is closed. */
const DRAIN_TIMEOUT_MS = 30_000;
/** DISCONNECT reason code (MQTT 5, table 3-10), sent by aedes itself. */
const PACKET_TOO_LARGE = 0x95;

/**
 * aedes, and nothing of aedes outside this folder. It speaks MQTT; what a message means is decided behind the port. PUBACK leaves after
 * `authorizePublish` has called back, so that is where a message is made durable; messages never enter aedes' own fan-out.
 */
export class MqttBroker {
  private readonly persistence: DevicePersistence;
  private readonly aedes: IngestOnlyAedes;
  private readonly lines: RepeatedLines;
  private readonly handshakes: Handshakes;
  private readonly sessions = new WeakMap<Client, DeviceSession>();
  /** Between aedes' question for a session's subscriptions and its `client` event. */
  private readonly resumed = new Map<string, readonly Subscription[]>();
  private isStopping = false;

  constructor(
    private readonly config: Pick<GatewayConfig, 'gatewayId' | 'maxPacketBytes'>,
    private readonly port: BrokerPort,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.lines = new RepeatedLines(logger, clock);
    this.handshakes = new Handshakes((credentials) => port.authenticate(credentials), logger, this.lines);
    this.persistence = new DevicePersistence({
      resume: (deviceId) => this.resume(deviceId),
      add: (deviceId, subscriptions) =>
        this.withSession(deviceId, (session) => port.subscribed(session, subscriptions)),
      remove: (deviceId, filters) =>
        this.withSession(deviceId, (session) => port.unsubscribed(session, filters)),
    });
    this.aedes = new IngestOnlyAedes({
      persistence: this.persistence,
      connectTimeout: CONNECT_TIMEOUT_MS,
      drainTimeout: DRAIN_TIMEOUT_MS,
      maxClientsIdLength: 64,
      maximumPacketSize: config.maxPacketBytes,
      sessionExpiryIntervalLimit: SESSION_EXPIRY_LIMIT_SECONDS,
      pendingSessionsLimit: 100_000,
      preConnect: (client, packet, callback) => this.handshakes.begin(client, packet, callback),
      authenticate: (client, username, password, done) =>
        this.handshakes.authenticate(client, { username, password }, done),
      authorizePublish: (client, packet, callback) => this.authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, subscription, callback) => {
        const restoring = !this.sessions.has(client);
        const allowed =
          (restoring && isSessionMark(subscription.topic)) || maySubscribe(client.id, subscription.topic);
        if (!allowed)
          this.lines.log(
            'warn',
            `subscribe ${client.id}`,
            { deviceId: client.id, code: 'topic-forbidden' },
            'subscription refused',
          );
        callback(null, allowed ? subscription : null);
      },
      authorizeForward: (client, packet) => this.numbered(client, packet),
    });
  }

  async start(): Promise<void> {
    this.aedes.on('client', (client) => this.onClient(client));
    this.aedes.on('clientDisconnect', (client) => this.onDisconnect(client));
    this.aedes.on('subscribe', (subscriptions, client) =>
      this.onSubscribe(client, subscriptions as unknown as AedesSubscription[]),
    ); // the same shape; aedes types it by mqtt-packet
    this.aedes.on('unsubscribe', (filters, client) => this.onUnsubscribe(client, filters));
    this.aedes.on('keepaliveTimeout', (client) => this.note(client, 'keep-alive-timeout'));
    this.aedes.onTakeOver = (client) => this.note(client, 'taken-over');
    this.aedes.on('clientError', (client, error) => this.onError(client, error));
    this.aedes.on('connectionError', (client, error) => this.onError(client, error));
    await this.aedes.listen();
  }

  /** Every client gets its DISCONNECT (MQTT 5: 0x8B, server shutting down). */
  stop(): Promise<void> {
    this.isStopping = true;
    return new Promise((resolve) => this.aedes.close(() => resolve()));
  }

  handle(socket: Socket): void {
    this.aedes.handle(socket);
  }

  // ── CONNECT ──

  private async resume(deviceId: string): Promise<readonly Subscription[] | undefined> {
    const subscriptions = await this.port.resume(deviceId);
    if (subscriptions) this.resumed.set(deviceId, subscriptions);
    else this.resumed.delete(deviceId);
    return subscriptions;
  }

  private onClient(client: Client): void {
    const accepted = this.handshakes.accepted(client);
    if (!accepted) return;
    const { packet, device } = accepted;
    const deviceId = device.id;
    const keepAliveSeconds = packet.keepalive ?? 0;
    const resumed = this.resumed.get(deviceId) ?? [];
    this.resumed.delete(deviceId);
    this.persistence.forget(deviceId);
    const session: DeviceSession = {
      deviceId,
      connection: newConnectionId(),
      link: new AedesConnection(client, this.persistence),
      registration: { creationId: device.creationId, secretVersion: device.secretVersion },
      protocol: client.version === 5 ? '5' : client.version === 3 ? '3.1' : '3.1.1',
      connectedAt: this.clock.now(),
      keepAliveSeconds,
      topicPrefix: `devices/${deviceId}/`,
      writer: telemetryWriter(deviceId, this.config.gatewayId),
      settlements: new OrderedSettlements(),
      expirySeconds: expiryOf(client),
      subscriptions: packet.clean ? [] : resumed,
      standing: 'unread',
      closed: false,
    };
    this.sessions.set(client, session);
    counts.connections += 1;
    connectsTotal.inc({ outcome: 'accepted' });
    this.port.connected(session);
  }

  // ── SUBSCRIBE: sessions that are kept come through the persistence, before SUBACK; the others here, after it ──

  private onSubscribe(client: Client, subscriptions: readonly AedesSubscription[]): void {
    const session = this.sessions.get(client);
    if (!session || !client.clean) return;
    const granted = subscriptions.filter(
      (subscription) => subscription.qos <= 2 && maySubscribe(client.id, subscription.topic),
    );
    if (granted.length > 0) this.report(session, this.port.subscribed(session, granted.map(fromAedes)));
  }

  private onUnsubscribe(client: Client, filters: readonly string[]): void {
    const session = this.sessions.get(client);
    if (session && client.clean && !client.closed)
      this.report(session, this.port.unsubscribed(session, filters));
  }

  /** The device believes in a subscription that is not in the log: it shall connect and subscribe again. */
  private report(session: DeviceSession, written: Promise<void>): void {
    written.catch((error: unknown) => {
      this.logger.warn({ deviceId: session.deviceId, err: error }, 'subscription not recorded');
      session.link.close('log-unavailable');
    });
  }

  // ── PUBLISH ──

  private authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    callback: (error?: Error | null) => void,
  ): void {
    const session = client && this.sessions.get(client);
    if (!client || !session) return callback(new Error('no session'));
    const { qos, messageId } = packet;
    if (qos === 2 && !client.closed) {
      // a repeat between PUBLISH and PUBREL was stored already ([MQTT-4.3.3-10])
      if (this.persistence.isOpen(session.deviceId, messageId)) return callback();
      if (!this.persistence.mayOpen(session.deviceId)) return void session.link.close('too-many-qos2');
    }
    packet.retain = false;
    const place = session.settlements.add(() => {
      if (outcome === 'acknowledge') {
        if (qos > 0) counts.acknowledged += 1;
        callback(); // durable from here: PUBACK
      } else this.unanswered(session, qos, outcome, callback);
    }, this.clock.now());
    let outcome: IngestOutcome = 'unavailable';
    this.port.ingest(session, inboundPublish(packet), (result) => {
      outcome = result;
      place.settle();
    });
  }

  private unanswered(
    session: DeviceSession,
    qos: 0 | 1 | 2,
    outcome: IngestOutcome,
    callback: (error?: Error | null) => void,
  ): void {
    if (outcome === 'forbidden') return callback(new Error('not a topic of this device')); // MQTT 5: PUBACK 0x87; 3.1.1: closed
    if (qos === 0) {
      counts.droppedQos0 += 1;
      return callback();
    }
    // an outage is never acknowledged: aedes is not called back, the device sends again
    if (!session.closed && session.link.close('log-unavailable')) counts.heldTooLong += 1;
  }

  /** aedes numbers packets from a counter of its own and keeps no list; a PUBACK must find its command again. */
  private numbered(client: Client, packet: AedesPublishPacket): AedesPublishPacket {
    const session = this.sessions.get(client);
    return session?.link instanceof AedesConnection ? session.link.number(packet) : packet;
  }

  // ── the end ──

  private onDisconnect(client: Client): void {
    const session = this.sessions.get(client);
    if (!session || session.closed) return;
    counts.connections -= 1;
    session.expirySeconds = expiryOf(client); // DISCONNECT may have changed it ([MQTT-3.14.2-2])
    this.port.disconnected(session, this.reasonOf(client, session));
    this.persistence.forget(session.deviceId);
  }

  private reasonOf(client: Client, { link }: DeviceSession): DisconnectReason {
    if (link instanceof AedesConnection && link.endedBecause) return link.endedBecause;
    if (client.disconnectReasonCode === PACKET_TOO_LARGE) return 'packet-too-large';
    if (this.isStopping) return 'gateway-stopping';
    return saidGoodbye(client) ? 'client-disconnected' : 'connection-lost';
  }

  private note(client: Client, reason: DisconnectReason): void {
    const link = this.sessions.get(client)?.link;
    if (link instanceof AedesConnection) link.endedBecause ??= reason;
  }

  private onError(client: Client, error: Error & { readonly code?: unknown }): void {
    connectionErrorsTotal.inc();
    const session = this.sessions.get(client);
    if (!session) return this.logger.debug({ err: error }, 'connection broken before its session');
    if (error.code === undefined) this.note(client, 'protocol-error'); // a socket's own errors have a code
    const { deviceId } = session;
    this.lines.log(
      'info',
      `broken ${deviceId} ${error.message}`,
      { deviceId, reason: error.message },
      'connection broken',
    );
  }

  private async withSession(deviceId: string, act: (session: DeviceSession) => Promise<void>): Promise<void> {
    const client = this.aedes.clients[deviceId];
    const session = client && this.sessions.get(client);
    if (session) await act(session);
  }
}

function expiryOf(client: Client): number {
  if (client.version === 5) return client.sessionExpiryInterval;
  return client.clean ? 0 : V3_SESSION_EXPIRY_SECONDS;
}
