import { encode } from '../codec/encoder.js';
import type { InboundPublish } from '../codec/inbound-publish.js';
import { PacketType, type AcknowledgementPacket, type ConnectPacket, type Qos } from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { ExchangeOptions } from './exchange.js';
import { fitting } from './fitting.js';
import { saidOf } from './handshake.js';
import type { InboundState } from './inbound-state.js';
import { InboundWindow, REPEAT, type Leaving, type Waiting } from './inbound-window.js';
import type { Limits } from './limits.js';
import type { Outbox } from './outbox.js';
import { isRefusal, Qos2Ids } from './qos2-ids.js';
import { sayable } from './sayable.js';
import { TopicAliases } from './topic-aliases.js';

/** Messages of the client of one connection: topic aliases, the Receive Maximum, QoS 1 and 2, and their acknowledgements in order. */
export class Receiver implements Leaving {
  private readonly outbox: Outbox;
  private readonly connect: ConnectPacket;
  private readonly inbound: InboundState;
  private readonly limits: Limits;
  private readonly handler: ExchangeOptions['handler'];
  private readonly broken: ExchangeOptions['broken'];
  private readonly readOn: () => void;
  private readonly now: () => number;
  private readonly window = new InboundWindow();
  private readonly aliases: TopicAliases;
  private readonly isNew: boolean;
  private readonly qos2: Qos2Ids;
  private isStopped = false;

  constructor(options: ExchangeOptions) {
    const { connect, limits } = options;
    this.outbox = options.outbox;
    this.connect = connect;
    this.inbound = options.session.inbound;
    this.limits = limits;
    this.handler = options.handler;
    this.broken = options.broken;
    this.readOn = options.readOn;
    this.now = options.now;
    this.isNew = connect.version === 5;
    this.qos2 = new Qos2Ids(this.inbound);
    this.aliases = new TopicAliases(this.isNew ? limits.topicAliasMaximum : 0);
  }

  get oldestUnsettled(): number | undefined {
    return this.window.oldestSince;
  }

  get unsettled(): number {
    return this.window.size;
  }

  settle(delivery: number, reasonCode: ReasonCode, reason?: string, properties?: Properties): void {
    if (!this.isStopped)
      return this.window.settle(delivery, reasonCode, saidOf(this.connect, reason, properties), this);
    this.qos2.settleLeft(delivery, reasonCode);
  }

  stop(): void {
    this.isStopped = true;
    this.qos2.leave(this.window);
  }

  onPublish(packet: InboundPublish): void {
    const { qos, packetId } = packet;
    if (packet.retain && !this.limits.retainAvailable && this.isNew)
      return this.broken('retained messages are not served [MQTT-3.2.2-14]', ReasonCode.retainNotSupported);
    const topic = this.topicOf(packet);
    if (topic === undefined) return;
    if (qos === 0 || packetId === undefined) return this.handler.publish(packet, topic, -1);
    if (qos === 2) {
      this.qos2.areUsed = true;
      if (this.isRepeat(packetId)) return;
    }
    const excess = this.excessWith(qos);
    if (excess !== undefined) return this.broken(excess, ReasonCode.receiveMaximumExceeded);
    if (this.isInUse(packetId, qos)) return this.refuseInUse(packetId, qos);
    const delivery = this.window.add(packetId, qos, this.now());
    if (qos === 2 && this.inbound.isOpen(packetId)) return this.await(packetId, packet, topic, delivery);
    this.handler.publish(packet, topic, delivery);
  }

  /** A repeat of a message that the handler has had since an earlier connection: when it turns out not to be taken, it is given this one. */
  private await(packetId: number, packet: InboundPublish, topic: string, delivery: number): void {
    this.inbound.whenSettled(packetId, (isTaken) => {
      if (isTaken) this.settle(delivery, ReasonCode.success);
      else if (!this.isStopped) this.handler.publish(packet, topic, delivery);
      this.readOn();
    });
  }

  /**
   * What there would be too many of with one more. The Receive Maximum begins anew with each connection (4.9); what no connection has released has
   * a bound of its own. An older client knows no Receive Maximum: it is not read for a while, but for PUBRELs it must be.
   */
  private excessWith(qos: Qos): string | undefined {
    const { receiveMaximum, unreleasedMaximum } = this.limits;
    const { all, earlier } = this.qos2;
    if (this.isNew && this.window.size + all - earlier >= receiveMaximum)
      return `more unanswered messages than the Receive Maximum of ${receiveMaximum} [MQTT-3.3.4-7]`;
    if (qos === 2 && (this.isNew ? earlier : all) >= unreleasedMaximum)
      return `more than ${unreleasedMaximum} QoS 2 messages wait for PUBREL`;
    return undefined;
  }

  /** Undefined: the connection is ending because of it. */
  private topicOf(packet: InboundPublish): string | undefined {
    const { topicAlias } = packet.properties;
    if (topicAlias === undefined) return packet.topic;
    if (!this.aliases.isInRange(topicAlias)) {
      this.broken(
        `topic alias ${topicAlias} is above the Topic Alias Maximum of ${this.aliases.maximum} [MQTT-3.3.2-9]`,
        ReasonCode.topicAliasInvalid,
      );
      return undefined;
    }
    const topic = this.aliases.resolve(topicAlias, packet.topic);
    if (topic === undefined)
      this.broken('a topic alias that stands for nothing (3.3.2.3.4)', ReasonCode.protocolError);
    return topic;
  }

  /** A QoS 2 message that has been taken already: PUBREC again, once it has been answered at all ([MQTT-4.3.3-10]), and when its turn has come. */
  private isRepeat(packetId: number): boolean {
    const waiting = this.window.waitingAs(packetId);
    if (waiting === 2) return true; // its PUBREC is still to come
    if (!this.inbound.isReceived(packetId)) return false; // or no longer: what waits as a repeat has been released
    if (waiting !== REPEAT) this.settle(this.window.add(packetId, REPEAT, this.now()), ReasonCode.success);
    return true;
  }

  /**
   * Whether the id is that of a message of the other QoS whose exchange is not over ([MQTT-2.2.1-3]). Before MQTT 5 PUBACK cannot refuse, and a device
   * that has forgotten its session would never get in: the QoS 1 message is taken, nothing of the other is lost by it.
   */
  private isInUse(packetId: number, qos: Qos): boolean {
    if (!this.qos2.areUsed) return false;
    if (qos === 2) return this.window.waitingAs(packetId) === 1;
    return this.isNew && this.qos2.isHeld(packetId, this.window);
  }

  /** Before MQTT 5 PUBREC cannot refuse. */
  private refuseInUse(packetId: number, qos: Qos): void {
    const other = qos === 2 ? 'QoS 1 message that is not acknowledged' : 'QoS 2 message that is not released';
    const reason = `packet id ${packetId} is that of a ${other} [MQTT-2.2.1-3]`;
    if (!this.isNew) return this.broken(reason, ReasonCode.packetIdentifierInUse);
    const delivery = this.window.add(packetId, qos, this.now());
    this.settle(delivery, ReasonCode.packetIdentifierInUse, reason);
  }

  onPubrel({ packetId }: AcknowledgementPacket): void {
    const isKnown = this.qos2.release(packetId);
    if (isKnown || !this.isNew) return this.outbox.acknowledge(PacketType.pubcomp, packetId);
    const reasonCode = ReasonCode.packetIdentifierNotFound;
    this.outbox.send(
      encode({ type: PacketType.pubcomp, packetId, reasonCode, properties: NO_PROPERTIES }, 5),
    );
  }

  /** A PUBACK or PUBREC that may leave: its message and all before it are answered. */
  leave(packetId: number, waiting: Waiting, outcome: number, said: Properties | undefined): void {
    const type = waiting === 1 ? PacketType.puback : PacketType.pubrec;
    const isRefused = isRefusal(outcome) && this.isNew;
    if (waiting === 2 && !isRefused) this.inbound.receive(packetId); // [MQTT-4.3.3-9]: a refused one is forgotten
    const isBare = outcome === ReasonCode.success && said === undefined;
    if (isBare || !this.isNew) return this.outbox.acknowledge(type, packetId);
    const reasonCode = sayable(type, outcome); // [MQTT-3.4.2-1], [MQTT-3.5.2-1]
    const answer = { type, packetId, reasonCode, properties: said ?? NO_PROPERTIES };
    const bytes = fitting(answer, this.connect, 5);
    if (bytes) this.outbox.send(bytes);
  }
}
