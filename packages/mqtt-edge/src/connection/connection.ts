import type { Duplex } from 'node:stream';
import { Decoder, type InboundPacket } from '../codec/decoder.js';
import {
  PacketType,
  type ConnectPacket,
  type DisconnectPacket,
  type Packet,
  type ProtocolVersion,
  type SubackPacket,
  type UnsubackPacket,
} from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { BackPressure } from './back-pressure.js';
import { checkLimits } from './check-limits.js';
import type { Acceptance, ConnectionHandler, EndReason, OutboundMessage } from './connection-handler.js';
import { Deadlines } from './deadlines.js';
import { Exchange } from './exchange.js';
import { fitting } from './fitting.js';
import { connackFor, keepAliveOf, withOwnWill, withoutPassword } from './handshake.js';
import { Intake } from './intake.js';
import { Legacy } from './legacy.js';
import { Life } from './life.js';
import { connectSizeOf, type Limits } from './limits.js';
import { Outbox } from './outbox.js';
import { objectionTo } from './objection.js';
import { Requests } from './requests.js';
import type { SessionState } from './session-state.js';

/** What a PUBACK or PUBREC may say beside the reason (3.4.2.2, 3.5.2.2). */
export type SettlementProperties = Pick<Properties, 'userProperties'>;

/** What the server's DISCONNECT may say beside the reason (3.14.2.2). */
export type FarewellProperties = Pick<Properties, 'userProperties' | 'serverReference'>;

/**
 * The server's end of one MQTT connection over any byte stream: handshake, limits, keep-alive, both windows, and the end, so that who stands
 * behind it has to do with messages alone. Knows no topics and no users. Time is what `now` says and `tick` brings.
 */
export class Connection {
  private readonly decoder: Decoder;
  private readonly outbox: Outbox;
  private readonly deadlines: Deadlines;
  private readonly intake: Intake;
  private readonly backPressure: BackPressure;
  private readonly requests = new Requests();
  private readonly life: Life;
  private connectPacket: ConnectPacket | undefined;
  private session: SessionState | undefined;
  private exchange: Exchange | undefined;

  constructor(
    private readonly stream: Duplex,
    private readonly limits: Limits,
    private readonly handler: ConnectionHandler,
    private readonly now: () => number,
  ) {
    checkLimits(limits);
    this.decoder = new Decoder({ role: 'server', maximumPacketSize: connectSizeOf(limits) });
    this.outbox = new Outbox(stream);
    this.deadlines = new Deadlines(stream, this.outbox, limits, now);
    this.backPressure = new BackPressure(stream, limits);
    this.intake = new Intake(stream, this.decoder, {
      mustWait: () => this.mustWait(),
      take: (packet) => this.take(packet),
      violated: ({ reason, clause, reasonCode }) => this.broken(`${reason} [${clause}]`, reasonCode),
      heard: () => this.deadlines.heard(),
      ended: () => this.life.leave('lost', ReasonCode.success),
    });
    this.life = new Life({ stream, outbox: this.outbox, handler, over: () => this.over() });
    stream.on('drain', () => {
      this.outbox.goOn();
      this.exchange?.pump();
      this.intake.readOn();
    });
    stream.on('error', (error) => this.life.leave('lost', ReasonCode.success, error.message));
  }

  /** Undefined before CONNECT. */
  get version(): ProtocolVersion | undefined {
    return this.connectPacket?.version;
  }

  /** CONNECT has come, and waits for `accept` or `refuse`. */
  get isAsking(): boolean {
    return this.life.phase === 'asking';
  }

  /** What it was accepted with; also when its CONNACK turned out larger than the client takes. */
  get state(): SessionState | undefined {
    return this.session;
  }

  /** Resolves when the stream is closed: everything that was said has been sent, or cannot be. */
  get streamClosed(): Promise<void> {
    if (this.stream.closed) return Promise.resolve();
    return new Promise((resolve) => void this.stream.once('close', resolve));
  }

  /** Tears the stream down, whatever still waits to be sent. */
  destroy(): void {
    this.stream.destroy();
  }

  /** Accepted, and not ending. */
  get isOpen(): boolean {
    return this.life.phase === 'open';
  }

  /** When the message came that has waited for its `settle` for longest, ms of the clock. */
  get oldestUnsettled(): number | undefined {
    return this.exchange?.oldestUnsettled;
  }

  get unsettled(): number {
    return this.exchange?.unsettled ?? 0;
  }

  /** Why it is over; undefined while it is not. Also of a connection that never sent CONNECT. */
  get endedBecause(): EndReason | undefined {
    return this.life.why;
  }

  /** Lets the client in: CONNACK, then what its session has for it, then what it has sent meanwhile. */
  accept(acceptance: Acceptance): void {
    const asked = this.connectPacket;
    if (this.life.phase !== 'asking' || asked === undefined) return;
    const packet = (this.connectPacket = withoutPassword(asked));
    this.session = acceptance.session;
    this.write(connackFor(packet, acceptance, this.limits));
    if (!this.isAsking) return; // it was too large: nobody is let in
    this.life.phase = 'open';
    this.deadlines.accepted(keepAliveOf(packet, acceptance, this.limits));
    this.exchange = new Exchange({
      stream: this.stream,
      outbox: this.outbox,
      connect: packet,
      session: acceptance.session,
      limits: this.limits,
      handler: this.handler,
      broken: (detail, reasonCode) => this.broken(detail, reasonCode),
      readOn: () => this.intake.readOn(),
      now: this.now,
    });
    this.exchange.resume();
    this.intake.letIn(this.limits.maximumPacketSize);
  }

  /** CONNACK with the reason, where the version has one, and the end of the connection. */
  refuse(reasonCode: ReasonCode, reason?: string, properties: Properties = NO_PROPERTIES): void {
    if (this.life.phase !== 'asking') return;
    this.end('closed', reasonCode, reason, properties);
  }

  /** Ends it: MQTT 5 clients get DISCONNECT with the reason first ([MQTT-3.14.1-1]); before, there is none. False when it was ending already. */
  close(reasonCode: ReasonCode, reason?: string, properties: FarewellProperties = NO_PROPERTIES): boolean {
    if (this.life.phase === 'ending') return false;
    this.end('closed', reasonCode, reason, properties);
    return true;
  }

  /**
   * Answers a PUBLISH: PUBACK, or PUBREC. Before MQTT 5 there is no word for a refusal: the message counts as taken; who does not want that, closes.
   * The properties are left out where the client takes none, or no packet so large ([MQTT-3.1.2-29], [MQTT-3.4.2-3]).
   */
  settle(
    delivery: number,
    reasonCode: ReasonCode = ReasonCode.success,
    reason?: string,
    properties?: SettlementProperties,
  ): void {
    this.exchange?.settle(delivery, reasonCode, reason, properties);
    this.intake.readOn();
  }

  /**
   * One code for each filter of the SUBSCRIBE: a RangeError when there are more or fewer, or one that SUBACK has not; nothing is sent then. An answer
   * that nothing waits for is ignored.
   */
  suback(packetId: number, reasonCodes: readonly ReasonCode[], properties = NO_PROPERTIES): void {
    this.answer({ type: PacketType.suback, packetId, reasonCodes, properties });
  }

  /** The same of an UNSUBSCRIBE. */
  unsuback(packetId: number, reasonCodes: readonly ReasonCode[], properties = NO_PROPERTIES): void {
    this.answer({ type: PacketType.unsuback, packetId, reasonCodes, properties });
  }

  /** A message for the client, now or when its window and its stream allow. Never lost silently: `done` tells. */
  send(message: OutboundMessage): void {
    if (this.exchange && this.life.phase === 'open') this.exchange.send(message);
    else message.done?.('abandoned');
  }

  /** Reads no more from the client until `release` was called as often. */
  hold(): void {
    this.backPressure.hold();
  }

  release(): void {
    this.backPressure.release();
    this.intake.readOn();
  }

  /** To be called about once a second: everything that is due by the clock. */
  tick(): void {
    const due = this.deadlines.due(!this.mustWait());
    if (due === 'lingered') this.stream.destroy();
    else if (due === 'keep-alive-timeout') this.end(due, ReasonCode.keepAliveTimeout, this.deadlines.silence);
    else if (due === 'connect-timeout' && this.isAsking)
      this.end(due, ReasonCode.serverUnavailable, 'the log-in was not answered in time');
    else if (due !== undefined) this.life.tearDown(due, ReasonCode.unspecifiedError);
    else this.exchange?.pump();
  }

  private mustWait(): boolean {
    const { phase } = this.life;
    return (
      phase === 'asking' ||
      phase === 'ending' ||
      this.backPressure.isOn(this.version, this.unsettled + this.requests.size)
    );
  }

  private take(packet: InboundPacket): void {
    switch (packet.type) {
      case PacketType.publish:
      case PacketType.puback:
      case PacketType.pubrec:
      case PacketType.pubrel:
      case PacketType.pubcomp:
        return this.exchange?.take(packet);
      case PacketType.subscribe:
        this.requests.add(packet);
        return this.handler.subscribe(packet);
      case PacketType.unsubscribe:
        this.requests.add(packet);
        return this.handler.unsubscribe(packet);
      case PacketType.pingreq:
        return this.write({ type: PacketType.pingresp });
      case PacketType.disconnect:
        return this.onDisconnect(packet);
      case PacketType.connect:
        if (this.life.phase === 'opened') return this.onConnect(packet);
        return this.broken('a second CONNECT [MQTT-3.1.0-2]', ReasonCode.protocolError);
      case PacketType.connack:
      case PacketType.suback:
      case PacketType.unsuback:
      case PacketType.pingresp:
      case PacketType.auth: // a CONNECT that names a method is not let in
        return; // a server's decoder has refused it, as it has what comes before CONNECT
    }
  }

  private onConnect(packet: ConnectPacket): void {
    this.connectPacket = packet;
    this.life.phase = 'asking';
    const objection = objectionTo(packet, this.limits);
    if (objection) return this.refuse(objection.reasonCode, objection.reason);
    const asked = (this.connectPacket = withOwnWill(packet));
    this.life.concerns(new Legacy(asked, this.limits));
    this.handler.connect(asked);
  }

  private onDisconnect(packet: DisconnectPacket): void {
    if (!this.life.disconnected(packet))
      this.broken('a session expiry after none in CONNECT (3.14.2.2.2)', ReasonCode.protocolError);
  }

  private broken(detail: string, reasonCode: ReasonCode): void {
    this.end('protocol-error', reasonCode, detail);
  }

  private end(why: EndReason, reasonCode: ReasonCode, detail?: string, properties?: Properties): void {
    const to = { connect: this.connectPacket, version: this.version ?? this.decoder.version };
    this.life.end(why, reasonCode, detail, to, properties);
  }

  private over(): void {
    this.deadlines.ended();
    this.exchange?.stop();
    this.intake.stop();
  }

  private answer(packet: SubackPacket | UnsubackPacket): void {
    if (this.life.phase !== 'open' || !this.requests.answered(packet)) return;
    this.write(packet);
    this.intake.readOn();
  }

  private write(packet: Packet): void {
    const bytes = fitting(packet, this.connectPacket, this.version ?? this.decoder.version ?? 4);
    if (bytes) this.outbox.send(bytes);
    else this.life.tearDown('closed', ReasonCode.packetTooLarge, 'an answer is larger than the client takes');
  }
}
