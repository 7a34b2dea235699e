import type { Duplex } from 'node:stream';
import { isRejection, type DeviceRecord, type Rejection } from '@fieldgate/contracts';
import {
  Connection,
  ReasonCode,
  type ConnectionEnd,
  type ConnectionHandler,
  type ConnectPacket,
  type Limits,
  type InboundPublish,
  type SessionState,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@fieldgate/mqtt-edge';
import { pause, type Clock, type Logger } from '@fieldgate/service';
import { connectsTotal, counts } from '../gateway.metrics.js';
import type { DeviceShares } from '../ingest/device-share.js';
import { isOfBacklog } from '../ingest/is-of-backlog.js';
import type { IngestOutcome } from '../ingest/publish.js';
import type { Receipt } from '../ingest/receipt.js';
import {
  CLOSE_REASONS,
  type CloseReason,
  type DeviceLink,
  type DeviceSession,
  type DisconnectReason,
  type OutboundCommand,
} from '../sessions/device-session.js';
import type { ResumedSession } from '../sessions/newest-sessions.js';
import { answerSubscribe, answerUnsubscribe } from './answer-subscriptions.js';
import { connackReason, connackText, disconnectReason, refusalReason, sentence } from './answers.js';
import { ArrivedPublish, type Answering } from './arrived-publish.js';
import type { ConnectionLines } from './connection-lines.js';
import type { DevicePort } from './device-port.js';
import { fitsInto, messageOf } from './outbound-command.js';
import { RateLimit } from './rate-limit.js';
import { sessionOfConnect } from './session-of-connect.js';
import { UnheardConnect } from './unheard-connect.js';

/** A log that is away for longer than this must not keep a device from being heard. */
const READ_AFTER_MS = 2_000;

/** What all connections of a gateway share. */
export interface Surroundings {
  readonly port: DevicePort;
  readonly limits: Limits;
  /** Of one device; Infinity: no limit. */
  readonly maxMessagesPerSecond: number;
  readonly shares: DeviceShares;
  /** For what goes into records. */
  readonly epoch: Clock;
  /** For durations: of the monotonic clock; one function for all. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly lines: ConnectionLines;
  /** The protocol state of the device's session, its own or a new one; ends the connection that it had. */
  takeOver(deviceId: string, connection: DeviceConnection, resumed: ResumedSession | undefined): SessionState;
  /** Called once for each connection, whether it has become a session or not. */
  gone(connection: DeviceConnection): void;
}

/** One device at the other end of an MQTT connection: who it is, what it may do, and what becomes of what it sends. */
export class DeviceConnection implements ConnectionHandler, DeviceLink, Answering {
  readonly mqtt: Connection;
  session: DeviceSession | undefined;
  /** Of this session. */
  state: SessionState | undefined;
  /** Bytes of a packet that it takes. */
  private largest: number | undefined;
  private readonly rate: RateLimit | undefined;
  private endedBecause: CloseReason | 'gateway-stopping' | undefined;
  /** Until its CONNECT is handed over. */
  private unheard: UnheardConnect | undefined;

  constructor(
    stream: Duplex,
    private readonly remoteAddress: string | undefined,
    readonly around: Surroundings,
  ) {
    this.unheard = new UnheardConnect(stream, around.limits);
    this.mqtt = new Connection(stream, around.limits, this, around.now);
    const { maxMessagesPerSecond: perSecond } = around;
    if (perSecond < Infinity)
      this.rate = new RateLimit(perSecond, this.mqtt, {
        held: () => this.session && around.lines.throttled(this.session.deviceId, perSecond),
        tooFast: () => this.endTooFast(perSecond),
      });
  }

  // ── what the gateway does with it ──

  close(reason: CloseReason): boolean {
    const { reasonCode, says } = CLOSE_REASONS[reason];
    return this.end(reason, reasonCode, says);
  }

  /** The gateway goes; the device shall look for another. */
  shutDown(): void {
    this.end('gateway-stopping', ReasonCode.serverShuttingDown, 'the gateway is stopping');
  }

  send(command: OutboundCommand): boolean {
    if (!this.mqtt.isOpen) return false;
    this.mqtt.send(messageOf(command, this.around.now()));
    return true;
  }

  fits(command: OutboundCommand): boolean {
    return this.largest === undefined || fitsInto(this.largest, command);
  }

  /** To be called once a second. */
  tick(): void {
    this.mqtt.tick();
    this.rate?.tick();
  }

  get oldestUnsettled(): number | undefined {
    return this.mqtt.oldestUnsettled;
  }

  get unsettled(): number {
    return this.mqtt.unsettled;
  }

  // ── CONNECT ──

  connect(packet: ConnectPacket): void {
    const { around } = this;
    this.unheard = undefined;
    this.admit(packet).catch((error: unknown) => {
      connectsTotal.inc({ outcome: 'log-unavailable' });
      around.logger.error({ err: error }, 'connect not checked');
      this.mqtt.refuse(ReasonCode.serverUnavailable, 'The gateway cannot check devices now.');
    });
  }

  private async admit(packet: ConnectPacket): Promise<void> {
    const { port } = this.around;
    const { username } = packet;
    // [MQTT-3.1.3-7], and 3.1.1: only with clean session 1
    const mayBeEmpty = packet.version === 5 || packet.clean;
    const isAssigned = packet.clientId === '' && username !== undefined && mayBeEmpty;
    const clientId = isAssigned ? username : packet.clientId;
    const password = packet.password;
    const device = await port.authenticate({ clientId, username, password, will: packet.will });
    if (isRejection(device)) return this.refuse(packet, device);
    const resumed = packet.clean ? undefined : await port.resume(device.id);
    if (!this.mqtt.isAsking) return; // it has gone meanwhile, and must not take the living connection of its device over
    this.begin(packet, device, resumed, isAssigned ? clientId : undefined);
  }

  private begin(
    packet: ConnectPacket,
    device: DeviceRecord,
    resumed: ResumedSession | undefined,
    assignedClientId: string | undefined,
  ): void {
    const { port, epoch, shares } = this.around;
    const deviceId = device.id;
    const share = shares.of(deviceId);
    share.attach(this.mqtt); // before the connection that it takes over lets go of it
    const state = this.around.takeOver(deviceId, this, resumed);
    this.state = state;
    this.largest = packet.properties.maximumPacketSize;
    const begun = { link: this, share, resumed, connectedAt: epoch.now(), limits: this.around.limits };
    this.session = sessionOfConnect(packet, device, begun);
    counts.connections += 1;
    connectsTotal.inc({ outcome: 'accepted' });
    const recorded = port.connected(this.session, resumed);
    if (resumed?.isFromElsewhere) this.readFrom(recorded);
    this.mqtt.accept({
      session: state,
      sessionPresent: resumed !== undefined,
      ...(assignedClientId === undefined ? {} : { assignedClientId }),
    });
  }

  /**
   * A QoS 2 id that is released here is free again, which the gateway that took its message must learn before the device comes back to it: it
   * would take a new message for a repeat.
   */
  private readFrom(recorded: Promise<void>): void {
    this.mqtt.hold();
    const isLate = new AbortController();
    void Promise.race([recorded.finally(() => isLate.abort()), pause(READ_AFTER_MS, isLate.signal)]).then(
      () => this.mqtt.release(),
    );
  }

  private refuse(packet: ConnectPacket, { code, detail }: Rejection): void {
    this.around.lines.connectRefused({ connect: packet, remoteAddress: this.remoteAddress, code });
    // [MQTT-3.1.3-8] before MQTT 5 an empty client id with clean session 0 has a code of its own
    const isNameless = packet.clientId === '' && packet.version < 5 && !packet.clean;
    this.mqtt.refuse(
      isNameless ? ReasonCode.clientIdentifierNotValid : connackReason(code),
      connackText(code, detail),
    );
  }

  // ── PUBLISH ──

  publish(packet: InboundPublish, topic: string, delivery: number): void {
    const { session } = this;
    if (!session) return;
    const arrived = new ArrivedPublish(packet, topic, delivery, this);
    if (this.rate?.count() && isOfBacklog(arrived, session.topicPrefix, this.around.epoch.now()))
      this.rate.forgive(); // it has been away: slowed down, and never closed for what it has gathered
    this.around.port.pace(this.mqtt);
    try {
      this.around.port.ingest(session, arrived);
    } catch (error) {
      this.failed(session, topic, error);
      this.mqtt.settle(delivery, ReasonCode.unspecifiedError); // after the end: it was not taken
    }
  }

  holdsMore(records: number): void {
    this.rate?.countMore(records);
  }

  /** A message that we fail on is our fault, and the device sends it again: it must not take the other devices' gateway with it. */
  private failed({ deviceId }: DeviceSession, topic: string, error: unknown): void {
    this.around.logger.error({ deviceId, topic, err: error }, 'message failed, connection closed');
    this.close('internal-error');
  }

  answer(qos: 0 | 1 | 2, delivery: number, outcome: IngestOutcome, receipt?: Receipt): void {
    if (outcome === 'forbidden') return this.forbid(qos, delivery);
    if (outcome === 'unavailable') return this.unavailable(qos, delivery);
    if (qos === 0) return;
    if (this.mqtt.isOpen) counts.acknowledged += 1; // durable from here, as a record or as a dead letter
    const said = receipt?.properties;
    if (outcome === 'acknowledge') return this.mqtt.settle(delivery, ReasonCode.success, undefined, said);
    this.mqtt.settle(delivery, refusalReason(outcome.code), sentence(outcome.detail), said);
  }

  /** An outage is never acknowledged: the connection ends, and the device sends again. */
  private unavailable(qos: 0 | 1 | 2, delivery: number): void {
    if (qos === 0) counts.droppedQos0 += 1;
    else if (this.close('log-unavailable')) counts.heldTooLong += 1;
    this.mqtt.settle(delivery, ReasonCode.serverUnavailable); // after the end: it was not taken, its repeat is no repeat
  }

  private forbid(qos: 0 | 1 | 2, delivery: number): void {
    if (this.mqtt.version !== 5) this.close('topic-forbidden');
    else if (qos > 0)
      this.mqtt.settle(
        delivery,
        ReasonCode.notAuthorized,
        `A device may publish below ${this.session?.topicPrefix} only.`,
      );
  }

  // ── SUBSCRIBE ──

  subscribe(packet: SubscribePacket): void {
    this.rate?.count(); // it makes a record, like a message
    if (this.session) answerSubscribe(this, this.session, packet);
  }

  unsubscribe(packet: UnsubscribePacket): void {
    this.rate?.count();
    if (this.session) answerUnsubscribe(this, this.session, packet);
  }

  // ── the end ──

  closed(end: ConnectionEnd): void {
    const { session } = this;
    if (session && this.mqtt.version === 5) session.expirySeconds = end.sessionExpiry; // DISCONNECT may have changed it ([MQTT-3.14.2-2])
    this.around.gone(this);
    if (!session) return;
    session.share?.detach(this.mqtt);
    counts.connections -= 1;
    const reason: DisconnectReason = this.endedBecause ?? disconnectReason(end);
    if (end.reason === 'protocol-error') this.around.lines.broken(session.deviceId, end.detail);
    if (!end.will) session.will = undefined; // taken back ([MQTT-3.14.4-3])
    this.around.port.disconnected(session, reason);
  }

  /** Of a connection whose CONNECT was never handed over, `closed` is not called. */
  streamClosed(): void {
    if (this.endedBecause !== undefined) return;
    this.unheard?.report(this.mqtt.endedBecause ?? 'lost', this.remoteAddress, this.around.lines);
  }

  private endTooFast(perSecond: number): void {
    if (this.session && this.close('too-fast')) this.around.lines.tooFast(this.session.deviceId, perSecond);
  }

  private end(because: CloseReason | 'gateway-stopping', reasonCode: ReasonCode, says: string): boolean {
    if (this.endedBecause !== undefined) return false;
    this.endedBecause = because; // before the end, which asks for it
    return this.mqtt.close(reasonCode, sentence(says));
  }
}
