import { NO_PROPERTIES } from '../codec/properties.js';
import type { OutboundMessage } from './connection-handler.js';
import { DEFAULT_LIMITS } from './limits.js';

const LAST_PACKET_ID = 65_535;
/** What a message, a user property and a number take in memory, beside their bytes. */
const MESSAGE_BYTES = 200;
const PAIR_BYTES = 120;
const NUMBER_BYTES = 8;

/** A QoS 1 or 2 message that was sent. `released`: PUBREC has come, and PUBREL has been sent. */
export interface InFlight {
  readonly packetId: number;
  readonly message: OutboundMessage;
  released: boolean;
}

/**
 * Messages for one client: those that wait, and those of QoS 1 and 2 that it has not acknowledged. Outlives the connection; on the next one what
 * was not acknowledged is sent again first, in its order and under its ids ([MQTT-4.4.0-1], [MQTT-4.6.0-1]).
 */
export class OutboundQueue {
  private waiting: OutboundMessage[] = [];
  private nextWaiting = 0;
  /** In the order of sending. Made with the first: most clients are sent nothing. */
  private sent: Map<number, InFlight> | undefined;
  private waitingBytes = 0;
  private lastPacketId = 0;

  constructor(
    private readonly maximum: number,
    private readonly maximumBytes = DEFAULT_LIMITS.queueMaximumBytes,
  ) {}

  get length(): number {
    return this.waiting.length - this.nextWaiting;
  }

  get inFlight(): number {
    return this.sent?.size ?? 0;
  }

  /** False, and the message is told, when there are too many already. What has expired at the head makes room first; `now`: ms of the clock. */
  add(message: OutboundMessage, now: number): boolean {
    const bytes = sizeOf(message);
    if (this.isFullFor(bytes)) this.dropExpired(now);
    if (this.isFullFor(bytes)) {
      message.done?.('queue-full');
      return false;
    }
    this.waitingBytes += bytes;
    this.waiting.push(message);
    return true;
  }

  /** The one that waits for longest; undefined when none does. */
  peek(): OutboundMessage | undefined {
    return this.waiting[this.nextWaiting];
  }

  shift(): void {
    const message = this.peek();
    if (message === undefined) return;
    this.waitingBytes -= sizeOf(message);
    this.nextWaiting += 1;
    if (this.length === 0) this.forgetWaiting();
    if (this.nextWaiting < 32 || this.nextWaiting * 2 < this.waiting.length) return;
    this.waiting = this.waiting.slice(this.nextWaiting);
    this.nextWaiting = 0;
  }

  /** Gives a message the id under which it is sent ([MQTT-2.2.1-4]: one that is not in use). There must be fewer than 65,535 in flight. */
  number(message: OutboundMessage): number {
    const sent = (this.sent ??= new Map());
    do this.lastPacketId = this.lastPacketId === LAST_PACKET_ID ? 1 : this.lastPacketId + 1;
    while (sent.has(this.lastPacketId));
    sent.set(this.lastPacketId, { packetId: this.lastPacketId, message, released: false });
    return this.lastPacketId;
  }

  get(packetId: number): InFlight | undefined {
    return this.sent?.get(packetId);
  }

  /** PUBACK, PUBCOMP, or a refusal: its id is free again. */
  finish(packetId: number): void {
    this.sent?.delete(packetId);
  }

  /** In the order of sending. */
  unacknowledged(): Iterable<InFlight> {
    return this.sent?.values() ?? [];
  }

  /** The session is over. */
  abandon(): void {
    const sent = [...this.unacknowledged()];
    const waiting = this.waiting.slice(this.nextWaiting);
    this.sent = undefined;
    this.forgetWaiting();
    for (const { message } of sent) message.done?.('lost');
    for (const { done } of waiting) done?.('abandoned');
  }

  private isFullFor(bytes: number): boolean {
    return this.length >= this.maximum || this.waitingBytes + bytes > this.maximumBytes;
  }

  private dropExpired(now: number): void {
    for (let first = this.peek(); first && hasExpired(first, now); first = this.peek()) {
      this.shift();
      first.done?.('expired');
    }
  }

  private forgetWaiting(): void {
    this.waiting = [];
    this.nextWaiting = 0;
    this.waitingBytes = 0;
  }
}

/** [MQTT-3.3.2-5]: not to be sent any more. */
export function hasExpired({ expiresAt = Infinity }: OutboundMessage, now: number): boolean {
  return expiresAt <= now;
}

/** In memory, about: thousands of empty strings are no small message. */
function sizeOf({ topic, payload, properties }: OutboundMessage): number {
  let bytes = MESSAGE_BYTES + topic.length + payload.byteLength;
  if (properties === NO_PROPERTIES) return bytes;
  const { responseTopic = '', contentType = '', correlationData, userProperties = [] } = properties;
  bytes += responseTopic.length + contentType.length + (correlationData?.length ?? 0);
  bytes += NUMBER_BYTES * (properties.subscriptionIdentifiers?.length ?? 0);
  for (const [name, value] of userProperties) bytes += PAIR_BYTES + name.length + value.length;
  return bytes;
}
