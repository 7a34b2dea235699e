import type { Qos } from '../codec/packet.js';

/** Compacted when so many answered places stand before the first open one. */
const COMPACT_AT = 64;

interface Place {
  readonly packetId: number;
  readonly qos: Qos;
  readonly since: number;
  /** -1 while it is open. */
  outcome: number;
  reason: string | undefined;
}

/**
 * The client's QoS 1 and 2 messages that are not answered, in the order in which they came. Answers may come in any order; they leave in that one
 * ([MQTT-4.6.0-2] and 4.6: acknowledgements are sent in the order of the messages).
 */
export class InboundWindow {
  private places: Place[] = [];
  private first = 0;
  /** Number of the place at index 0. */
  private base = 0;

  get size(): number {
    return this.places.length - this.first;
  }

  /** When the message came that has waited for longest, ms of the clock; undefined when none waits. */
  get oldestSince(): number | undefined {
    return this.places[this.first]?.since;
  }

  /** Returns the number under which it is answered. */
  add(packetId: number, qos: Qos, now: number): number {
    this.places.push({ packetId, qos, since: now, outcome: -1, reason: undefined });
    return this.base + this.places.length - 1;
  }

  /** Answers one, and hands over every one that may now leave. A number that is not open is ignored: its connection may have ended. */
  settle(
    delivery: number,
    outcome: number,
    reason: string | undefined,
    leave: (packetId: number, qos: Qos, outcome: number, reason: string | undefined) => void,
  ): void {
    const place = this.places[delivery - this.base];
    if (place === undefined || place.outcome !== -1 || delivery - this.base < this.first) return;
    place.outcome = outcome;
    place.reason = reason;
    let next = this.places[this.first];
    while (next !== undefined && next.outcome !== -1) {
      this.first += 1;
      leave(next.packetId, next.qos, next.outcome, next.reason);
      next = this.places[this.first];
    }
    if (this.first === this.places.length) this.forgetAll();
    else if (this.first >= COMPACT_AT && this.first * 2 >= this.places.length) this.compact();
  }

  /** Whether a message with this id waits for its answer. */
  has(packetId: number): boolean {
    for (let at = this.first; at < this.places.length; at += 1)
      if (this.places[at]?.packetId === packetId) return true;
    return false;
  }

  private forgetAll(): void {
    this.base += this.places.length;
    this.places = this.places.length > COMPACT_AT ? [] : clear(this.places);
    this.first = 0;
  }

  private compact(): void {
    this.places = this.places.slice(this.first);
    this.base += this.first;
    this.first = 0;
  }
}

function clear(places: Place[]): Place[] {
  places.length = 0;
  return places;
}
