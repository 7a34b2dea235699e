import type { Duplex } from 'node:stream';
import { Decoder } from '../codec/decoder.js';
import { encode } from '../codec/encoder.js';
import {
  PacketType,
  type ConnectPacket,
  type DisconnectPacket,
  type Message,
  type Packet,
  type ProtocolVersion,
  type ProtocolViolation,
} from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type {
  Acceptance,
  ConnectionEnd,
  ConnectionHandler,
  EndReason,
  OutboundMessage,
} from './connection-handler.js';
import { connackFor, explained, keepAliveOf, refusalFor, sessionExpiryOf } from './handshake.js';
import type { Limits } from './limits.js';
import { Outbox } from './outbox.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';
import type { SessionState } from './session-state.js';

/** Where a connection is: `opened` until CONNECT, `asking` until it is accepted or refused, `open`, `ending`: nothing is read or said any more. */
type Phase = 'opened' | 'asking' | 'open' | 'ending';

/** Milliseconds that a client has to take what was said last, before its stream is torn down. */
const LINGER_MS = 2_000;

/**
 * The server's end of one MQTT connection over any byte stream: handshake, limits, keep-alive, both windows, and the end, so that who stands
 * behind it has to do with messages alone. Knows no topics and no users. Time is what `now` says and `tick` brings.
 */
export class Connection {
  private readonly decoder: Decoder;
  private readonly outbox: Outbox;
  private phase: Phase = 'opened';
  private connectPacket: ConnectPacket | undefined;
  private session: SessionState | undefined;
  private sender: Sender | undefined;
  private receiver: Receiver | undefined;
  private will: Message | undefined;
  private sessionExpiry = 0;
  /** Milliseconds without a byte after which the client counts as gone ([MQTT-3.1.2-22]: one and a half keep-alives); Infinity: never. */
  private silenceMs = Infinity;
  private lastHeard: number;
  /** When the stream stopped taking what is written; undefined while it takes it. */
  private stuckSince: number | undefined;
  private endedAt: number | undefined;
  private holds = 0;
  private unansweredRequests = 0;
  private isReading = false;

  constructor(
    private readonly stream: Duplex,
    private readonly limits: Limits,
    private readonly handler: ConnectionHandler,
    private readonly now: () => number,
  ) {
    this.decoder = new Decoder({ role: 'server', maximumPacketSize: limits.maximumPacketSize });
    this.outbox = new Outbox(stream);
    this.lastHeard = now();
    stream.on('data', (chunk: Buffer) => this.onData(chunk));
    stream.on('drain', () => this.onDrain());
    stream.on('end', () => this.finish('lost', ReasonCode.success));
    stream.on('error', (error) => this.finish('lost', ReasonCode.success, error.message));
    stream.on('close', () => this.finish('lost', ReasonCode.success));
  }

  /** Undefined before CONNECT. */
  get version(): ProtocolVersion | undefined {
    return this.connectPacket?.version;
  }

  /** CONNECT has come, and waits for `accept` or `refuse`. */
  get isAsking(): boolean {
    return this.phase === 'asking';
  }

  /** What it was accepted with. */
  get state(): SessionState | undefined {
    return this.session;
  }

  /** Resolves when the stream is closed: everything that was said has been sent, or cannot be. */
  get streamClosed(): Promise<void> {
    if (this.stream.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.stream.once('close', resolve);
    });
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
    return this.receiver?.oldestUnsettled;
  }

  get unsettled(): number {
    return this.receiver?.unsettled ?? 0;
  }

  // ── answers of who stands behind it ──

  /** Lets the client in: CONNACK, then what its session has for it, then what it has sent meanwhile. */
  accept(acceptance: Acceptance): void {
    const packet = this.connectPacket;
    if (this.phase !== 'asking' || packet === undefined) return;
    this.phase = 'open';
    this.session = acceptance.session;
    this.silenceMs = keepAliveOf(packet, acceptance, this.limits) * 1_500 || Infinity;
    this.lastHeard = this.now();
    this.write(connackFor(packet, acceptance, this.limits));
    this.sender = new Sender(
      this.stream,
      this.outbox,
      packet,
      acceptance.session.outbound,
      this.limits,
      this.now,
    );
    this.receiver = new Receiver(this.outbox, packet, acceptance.session, this.limits, {
      publish: (message, topic, delivery) => this.handler.publish(message, topic, delivery),
      broken: (detail, reasonCode) => this.broken(detail, reasonCode),
      now: this.now,
    });
    this.sender.resume();
    this.read();
  }

  /** CONNACK with the reason, where the version has one, and the end of the connection. */
  refuse(reasonCode: ReasonCode, reason?: string, properties: Properties = NO_PROPERTIES): void {
    if (this.phase !== 'asking') return;
    this.end('closed', reasonCode, reason, properties);
  }

  /** Ends it: MQTT 5 clients get DISCONNECT with the reason first ([MQTT-3.14.1-1]); before, there is none. False when it was ending already. */
  close(reasonCode: ReasonCode, reason?: string, properties: Properties = NO_PROPERTIES): boolean {
    if (this.phase === 'ending') return false;
    this.end('closed', reasonCode, reason, properties);
    return true;
  }

  /**
   * Answers a PUBLISH: PUBACK, or PUBREC. Before MQTT 5 there is no word for a refusal: the message counts as taken; who does not want that, closes.
   */
  settle(delivery: number, reasonCode: ReasonCode = ReasonCode.success, reason?: string): void {
    if (this.phase !== 'open') return;
    this.receiver?.settle(delivery, reasonCode, reason);
    this.readOn();
  }

  /** One code for each filter of the SUBSCRIBE. */
  suback(packetId: number, reasonCodes: readonly ReasonCode[], properties: Properties = NO_PROPERTIES): void {
    this.answer({ type: PacketType.suback, packetId, reasonCodes, properties });
  }

  unsuback(
    packetId: number,
    reasonCodes: readonly ReasonCode[],
    properties: Properties = NO_PROPERTIES,
  ): void {
    this.answer({ type: PacketType.unsuback, packetId, reasonCodes, properties });
  }

  /** A message for the client, now or when its window and its stream allow. Never lost silently: `done` tells. */
  send(message: OutboundMessage): void {
    if (this.sender && this.phase === 'open') this.sender.send(message);
    else message.done?.('abandoned');
  }

  /** Reads no more from the client until `release` was called as often. */
  hold(): void {
    this.holds += 1;
  }

  release(): void {
    this.holds -= 1;
    this.readOn();
  }

  /** To be called about once a second: everything that is due by the clock. */
  tick(): void {
    const now = this.now();
    if (this.phase === 'ending') {
      if (now - (this.endedAt ?? now) >= LINGER_MS) this.stream.destroy();
      return;
    }
    if (this.stuckSince !== undefined && now - this.stuckSince >= this.limits.drainTimeoutMs)
      return this.tearDown('drain-timeout');
    const silence = now - this.lastHeard;
    if (this.phase !== 'open') {
      if (silence >= this.limits.connectTimeoutMs) this.tearDown('connect-timeout');
      return;
    }
    // a client whose stream is not read cannot be heard
    if (this.isReading && silence >= this.silenceMs)
      this.end('keep-alive-timeout', ReasonCode.keepAliveTimeout);
    else this.sender?.pump();
  }

  // ── what arrives ──

  private onData(chunk: Buffer): void {
    if (this.phase === 'ending') return; // read and thrown away, so that what was said last arrives before the stream is closed
    this.lastHeard = this.now();
    this.decoder.write(chunk);
    this.read();
  }

  /** Takes packets until there is no whole one, or what arrived has to wait. */
  private read(): void {
    if (this.isReading) return; // a handler has answered at once: the loop below goes on by itself
    this.isReading = true;
    while (!this.mustWait()) {
      const packet = this.decoder.read();
      if (packet === undefined) break;
      if ('violation' in packet) {
        this.violated(packet);
        break;
      }
      this.take(packet);
    }
    this.isReading = false;
    if (this.phase === 'ending') return;
    if (this.mustWait()) this.stream.pause();
    else if (this.stream.isPaused()) this.stream.resume();
  }

  private readOn(): void {
    if (this.phase === 'open' && !this.mustWait() && this.stream.isPaused()) this.read();
  }

  /** An MQTT 5 client knows how much it may send, and is told when it sends more; an older one is just not read for a while. */
  private mustWait(): boolean {
    if (this.phase === 'asking' || this.phase === 'ending' || this.holds > 0) return true;
    if (this.stuckSince !== undefined) return true; // who reads no answers asks no more
    const unanswered = this.unsettled + this.unansweredRequests;
    return unanswered >= (this.version === 5 ? 2 * this.limits.receiveMaximum : this.limits.receiveMaximum);
  }

  private take(packet: Packet): void {
    if (this.phase === 'opened') {
      if (packet.type === PacketType.connect) return this.onConnect(packet);
      return this.tearDown('protocol-error', `packet type ${packet.type} before CONNECT [MQTT-3.1.0-1]`);
    }
    switch (packet.type) {
      case PacketType.publish:
        return this.receiver?.onPublish(packet);
      case PacketType.puback:
      case PacketType.pubrec:
      case PacketType.pubcomp:
        return this.sender?.onAcknowledgement(packet);
      case PacketType.pubrel:
        return this.receiver?.onPubrel(packet);
      case PacketType.subscribe:
        this.unansweredRequests += 1;
        return this.handler.subscribe(packet);
      case PacketType.unsubscribe:
        this.unansweredRequests += 1;
        return this.handler.unsubscribe(packet);
      case PacketType.pingreq:
        return this.write({ type: PacketType.pingresp });
      case PacketType.disconnect:
        return this.onDisconnect(packet);
      case PacketType.auth:
        if (this.handler.auth) return this.handler.auth(packet);
        return this.broken('AUTH without an authentication method in CONNECT', ReasonCode.protocolError);
      case PacketType.connect:
        return this.broken('a second CONNECT [MQTT-3.1.0-2]', ReasonCode.protocolError);
      case PacketType.connack:
      case PacketType.suback:
      case PacketType.unsuback:
      case PacketType.pingresp:
        return this.broken(`packet type ${packet.type} is not for a server`, ReasonCode.protocolError);
    }
  }

  private onConnect(packet: ConnectPacket): void {
    this.connectPacket = packet;
    this.will = packet.will;
    this.sessionExpiry = sessionExpiryOf(packet, this.limits);
    this.phase = 'asking';
    if (packet.properties.authenticationMethod !== undefined && !this.handler.auth)
      return this.refuse(ReasonCode.badAuthenticationMethod, 'extended authentication is not served');
    if (packet.will?.retain && !this.limits.retainAvailable)
      return this.refuse(ReasonCode.retainNotSupported, 'retained messages are not served [MQTT-3.2.2-13]');
    this.handler.connect(packet);
  }

  private onDisconnect(packet: DisconnectPacket): void {
    const { sessionExpiryInterval } = packet.properties;
    if (sessionExpiryInterval !== undefined) {
      if (this.sessionExpiry === 0 && sessionExpiryInterval > 0)
        return this.broken('a session expiry after none in CONNECT (3.14.2.2.2)', ReasonCode.protocolError);
      this.sessionExpiry = Math.min(sessionExpiryInterval, this.limits.sessionExpiryMaximum);
    }
    if (packet.reasonCode === ReasonCode.success) this.will = undefined; // [MQTT-3.14.4-3]
    this.outbox.flush();
    this.finish('disconnected', packet.reasonCode, packet.properties.reasonString);
    this.stream.end();
  }

  // ── the end ──

  private violated({ reasonCode, reason, clause }: ProtocolViolation): void {
    const detail = `${reason} [${clause}]`;
    if (this.phase === 'opened') return this.refuseUnread(reasonCode, detail);
    this.broken(detail, reasonCode);
  }

  private broken(detail: string, reasonCode: ReasonCode): void {
    this.end('protocol-error', reasonCode, detail);
  }

  /** What came first was no CONNECT that can be read: an answer only where the version is known, and asks for one ([MQTT-3.1.2-2]). */
  private refuseUnread(reasonCode: ReasonCode, detail: string): void {
    const version = this.decoder.version ?? 4;
    const answer = version === 5 || reasonCode === ReasonCode.unsupportedProtocolVersion;
    const refusal = answer ? refusalFor(version, reasonCode, NO_PROPERTIES) : undefined;
    if (refusal) this.outbox.send(encode(refusal, version));
    this.outbox.flush();
    this.finish('protocol-error', reasonCode, detail);
    this.stream.end();
  }

  /** Says why, where the version can, and ends. */
  private end(
    why: EndReason,
    reasonCode: ReasonCode,
    detail?: string,
    properties: Properties = NO_PROPERTIES,
  ): void {
    const version = this.version ?? 4;
    const said = { ...properties, ...explained(this.connectPacket, detail) };
    if (this.phase === 'asking') {
      const refusal = refusalFor(version, reasonCode, said);
      if (refusal) this.write(refusal);
    } else if (this.phase === 'open' && version === 5) {
      this.write({ type: PacketType.disconnect, reasonCode, properties: said });
    }
    this.outbox.flush();
    this.finish(why, reasonCode, detail);
    this.stream.resume();
    this.stream.end();
  }

  /** Without a word. */
  private tearDown(why: EndReason, detail?: string): void {
    this.finish(why, ReasonCode.unspecifiedError, detail);
    this.stream.destroy();
  }

  private finish(reason: EndReason, reasonCode: ReasonCode, detail?: string): void {
    if (this.phase === 'ending') return;
    const wasKnown = this.connectPacket !== undefined;
    const wasOpen = this.phase === 'open';
    this.phase = 'ending';
    this.endedAt = this.now();
    this.sender?.stop();
    if (!wasKnown) return;
    const end: ConnectionEnd = {
      reason,
      reasonCode,
      detail,
      will: wasOpen ? this.will : undefined,
      sessionExpiry: this.sessionExpiry,
    };
    this.handler.closed(end);
  }

  // ── what is written ──

  private answer(packet: Packet): void {
    if (this.phase !== 'open') return;
    this.unansweredRequests -= 1;
    this.write(packet);
    this.readOn();
  }

  private write(packet: Packet): void {
    this.outbox.send(encode(packet, this.version ?? 4));
    if (this.stream.writableNeedDrain) this.stuckSince ??= this.now();
  }

  private onDrain(): void {
    this.stuckSince = undefined;
    this.sender?.pump();
    this.readOn();
  }
}
