import type { Qos } from '../codec/packet.js';

/** Compacted when so many answered places stand before the first open one. */
const COMPACT_AT = 64;
/** A place is a number: packet id, QoS from this bit on, and one more than the outcome from that one on; 0 while it is open. */
const QOS_BIT = 16;
const OUTCOME_BIT = 18;

/** What leaves: a message is answered, and all before it are. */
export type Leave = (packetId: number, qos: Qos, outcome: number, reason: string | undefined) => void;

/**
 * The client's QoS 1 and 2 messages that are not answered, in the order in which they came. Answers may come in any order; they leave in that one
 * ([MQTT-4.6.0-2] and 4.6: acknowledgements are sent in the order of the messages). Numbers, not objects: thousands wait at once, and the
 * garbage collector would carry them along.
 */
export class InboundWindow {
  private places: number[] = [];
  private since: number[] = [];
  /** Of the few that are refused, by their number. */
  private reasons: Map<number, string> | undefined;
  private first = 0;
  /** Number of the place at index 0. */
  private base = 0;

  get size(): number {
    return this.places.length - this.first;
  }

  /** When the message came that has waited for longest, ms of the clock; undefined when none waits. */
  get oldestSince(): number | undefined {
    return this.since[this.first];
  }

  /** Returns the number under which it is answered. */
  add(packetId: number, qos: Qos, now: number): number {
    this.since.push(now);
    return this.base + this.places.push(packetId | (qos << QOS_BIT)) - 1;
  }

  /** Answers one, and hands over every one that may now leave. A number that is not open is ignored: its connection may have ended. */
  settle(delivery: number, outcome: number, reason: string | undefined, leave: Leave): void {
    const { places } = this;
    const index = delivery - this.base;
    const place = places[index];
    if (place === undefined || index < this.first || place >> OUTCOME_BIT !== 0) return;
    places[index] = place | ((outcome + 1) << OUTCOME_BIT);
    if (reason !== undefined) (this.reasons ??= new Map()).set(delivery, reason);
    for (;;) {
      const next = places[this.first];
      if (next === undefined || next >> OUTCOME_BIT === 0) break;
      this.leave(next, leave);
    }
    if (this.first === places.length) this.forgetAll();
    else if (this.first >= COMPACT_AT && this.first * 2 >= places.length) this.compact();
  }

  /** Whether a message with this id waits for its answer. */
  has(packetId: number): boolean {
    for (let at = this.first; at < this.places.length; at += 1)
      if (((this.places[at] ?? 0) & 0xffff) === packetId) return true;
    return false;
  }

  private leave(place: number, leave: Leave): void {
    const delivery = this.base + this.first;
    const reason = this.reasons?.get(delivery);
    if (reason !== undefined) this.reasons?.delete(delivery);
    this.first += 1;
    leave(place & 0xffff, ((place >> QOS_BIT) & 3) as Qos, (place >> OUTCOME_BIT) - 1, reason); // as `add` has packed it
  }

  private forgetAll(): void {
    this.base += this.places.length;
    this.first = 0;
    if (this.places.length > COMPACT_AT) {
      this.places = [];
      this.since = [];
    } else {
      this.places.length = 0;
      this.since.length = 0;
    }
  }

  private compact(): void {
    this.places = this.places.slice(this.first);
    this.since = this.since.slice(this.first);
    this.base += this.first;
    this.first = 0;
  }
}
