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
import { farewellFor } from './farewell.js';
import { fitting } from './fitting.js';
import { connackFor, keepAliveOf, withOwnWill, withoutPassword } from './handshake.js';
import { Intake } from './intake.js';
import { Legacy } from './legacy.js';
import { connectSizeOf, type Limits } from './limits.js';
import { Outbox } from './outbox.js';
import { objectionTo } from './objection.js';
import { Requests } from './requests.js';
import type { SessionState } from './session-state.js';

/** What the server's DISCONNECT may say beside the reason (3.14.2.2). */
export type FarewellProperties = Pick<Properties, 'userProperties' | 'serverReference'>;

/** Where a connection is: `opened` until CONNECT, `asking` until it is accepted or refused, `open`, `ending`: nothing is read or said any more. */
type Phase = 'opened' | 'asking' | 'open' | 'ending';

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
  private phase: Phase = 'opened';
  private connectPacket: ConnectPacket | undefined;
  private session: SessionState | undefined;
  private exchange: Exchange | undefined;
  private legacy: Legacy | undefined;
  private why: EndReason | undefined;

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
      ended: () => this.leave('lost', ReasonCode.success),
    });
    stream.on('drain', () => {
      this.outbox.goOn();
      this.exchange?.pump();
      this.intake.readOn();
    });
    stream.on('error', (error) => this.leave('lost', ReasonCode.success, error.message));
  }

  /** Undefined before CONNECT. */
  get version(): ProtocolVersion | undefined {
    return this.connectPacket?.version;
  }

  /** CONNECT has come, and waits for `accept` or `refuse`. */
  get isAsking(): boolean {
    return this.phase === 'asking';
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
    return this.phase === 'open';
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
    return this.why;
  }

  /** Lets the client in: CONNACK, then what its session has for it, then what it has sent meanwhile. */
  accept(acceptance: Acceptance): void {
    const asked = this.connectPacket;
    if (this.phase !== 'asking' || asked === undefined) return;
    const packet = (this.connectPacket = withoutPassword(asked));
    this.session = acceptance.session;
    this.write(connackFor(packet, acceptance, this.limits));
    if (!this.isAsking) return; // it was too large: nobody is let in
    this.phase = 'open';
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
    if (this.phase !== 'asking') return;
    this.end('closed', reasonCode, reason, properties);
  }

  /** Ends it: MQTT 5 clients get DISCONNECT with the reason first ([MQTT-3.14.1-1]); before, there is none. False when it was ending already. */
  close(reasonCode: ReasonCode, reason?: string, properties: FarewellProperties = NO_PROPERTIES): boolean {
    if (this.phase === 'ending') return false;
    this.end('closed', reasonCode, reason, properties);
    return true;
  }

  /**
   * Answers a PUBLISH: PUBACK, or PUBREC. Before MQTT 5 there is no word for a refusal: the message counts as taken; who does not want that, closes.
   */
  settle(delivery: number, reasonCode: ReasonCode = ReasonCode.success, reason?: string): void {
    this.exchange?.settle(delivery, reasonCode, reason);
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
    if (this.exchange && this.phase === 'open') this.exchange.send(message);
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
    else if (due !== undefined) this.tearDown(due, ReasonCode.unspecifiedError);
    else this.exchange?.pump();
  }

  private mustWait(): boolean {
    const { phase } = this;
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
        if (this.phase === 'opened') return this.onConnect(packet);
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
    this.phase = 'asking';
    const objection = objectionTo(packet, this.limits);
    if (objection) return this.refuse(objection.reasonCode, objection.reason);
    const asked = (this.connectPacket = withOwnWill(packet));
    this.legacy = new Legacy(asked, this.limits);
    this.handler.connect(asked);
  }

  private onDisconnect(packet: DisconnectPacket): void {
    if (!this.legacy?.disconnected(packet))
      return this.broken('a session expiry after none in CONNECT (3.14.2.2.2)', ReasonCode.protocolError);
    this.leave('disconnected', packet.reasonCode, packet.properties.reasonString);
  }

  private broken(detail: string, reasonCode: ReasonCode): void {
    this.end('protocol-error', reasonCode, detail);
  }

  /** Says why, where the version can, and ends. */
  private end(why: EndReason, reasonCode: ReasonCode, detail?: string, properties = NO_PROPERTIES): void {
    const { phase, connectPacket: connect } = this;
    if (phase === 'ending') return;
    const version = connect?.version ?? this.decoder.version;
    const isBroken = why === 'protocol-error';
    const isSayable = phase === 'open' || reasonCode >= ReasonCode.unspecifiedError;
    const said = isSayable ? reasonCode : ReasonCode.unspecifiedError; // a CONNACK with success would let it in
    const bytes = farewellFor({ phase, connect, version, isBroken, reasonCode: said, detail, properties });
    if (bytes) this.outbox.send(bytes);
    this.leave(why, reasonCode, detail);
  }

  /** Lets go of the stream when what was said has been sent. */
  private leave(why: EndReason, reasonCode: ReasonCode, detail?: string): void {
    if (this.phase === 'ending') return;
    this.outbox.flush();
    this.finish(why, reasonCode, detail);
    this.intake.stop();
    this.outbox.end();
  }

  /** Lets go of it at once. */
  private tearDown(why: EndReason, reasonCode: ReasonCode, detail?: string): void {
    if (this.phase === 'ending') return;
    this.finish(why, reasonCode, detail);
    this.stream.destroy();
  }

  private finish(reason: EndReason, reasonCode: ReasonCode, detail?: string): void {
    const wasOpen = this.phase === 'open';
    this.phase = 'ending';
    this.why = reason;
    this.deadlines.ended();
    this.exchange?.stop();
    if (this.legacy) this.handler.closed({ reason, reasonCode, detail, ...this.legacy.left(wasOpen) });
  }

  private answer(packet: SubackPacket | UnsubackPacket): void {
    if (this.phase !== 'open' || !this.requests.answered(packet)) return;
    this.write(packet);
    this.intake.readOn();
  }

  private write(packet: Packet): void {
    const bytes = fitting(packet, this.connectPacket, this.version ?? this.decoder.version ?? 4);
    if (bytes) this.outbox.send(bytes);
    else this.tearDown('closed', ReasonCode.packetTooLarge, 'an answer is larger than the client takes');
  }
}
