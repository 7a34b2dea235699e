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
  /** Used from `first` to before `end`, and never made shorter: to grow again would be garbage with every group of messages. */
  private places: number[] = [];
  private since: number[] = [];
  /** Of the few that are refused, by their number. */
  private reasons: Map<number, string> | undefined;
  private first = 0;
  private end = 0;
  /** Number of the place at index 0. */
  private base = 0;

  get size(): number {
    return this.end - this.first;
  }

  /** When the message came that has waited for longest, ms of the clock; undefined when none waits. */
  get oldestSince(): number | undefined {
    return this.size === 0 ? undefined : this.since[this.first];
  }

  /** Returns the number under which it is answered. */
  add(packetId: number, qos: Qos, now: number): number {
    const index = this.end;
    this.places[index] = packetId | (qos << QOS_BIT);
    this.since[index] = now;
    this.end = index + 1;
    return this.base + index;
  }

  /** Answers one, and hands over every one that may now leave. A number that is not open is ignored: its connection may have ended. */
  settle(delivery: number, outcome: number, reason: string | undefined, leave: Leave): void {
    const index = delivery - this.base;
    if (index < this.first || index >= this.end) return;
    const place = this.placeAt(index);
    if (place >> OUTCOME_BIT !== 0) return;
    this.places[index] = place | ((outcome + 1) << OUTCOME_BIT);
    if (reason !== undefined) (this.reasons ??= new Map()).set(delivery, reason);
    while (this.first < this.end) {
      const next = this.placeAt(this.first);
      if (next >> OUTCOME_BIT === 0) break;
      this.leave(next, leave);
    }
    if (this.first === this.end) this.begin();
    else if (this.first >= COMPACT_AT && this.first * 2 >= this.end) this.compact();
  }

  /** Whether a message with this id waits for its answer. */
  has(packetId: number): boolean {
    for (let at = this.first; at < this.end; at += 1)
      if ((this.placeAt(at) & 0xffff) === packetId) return true;
    return false;
  }

  private leave(place: number, leave: Leave): void {
    const delivery = this.base + this.first;
    const reason = this.reasons?.get(delivery);
    if (reason !== undefined) this.reasons?.delete(delivery);
    this.first += 1;
    leave(place & 0xffff, ((place >> QOS_BIT) & 3) as Qos, (place >> OUTCOME_BIT) - 1, reason); // as `add` has packed it
  }

  private placeAt(index: number): number {
    return this.places[index] as number; // before `end`
  }

  private begin(): void {
    this.base += this.end;
    this.first = 0;
    this.end = 0;
    if (this.places.length <= COMPACT_AT) return;
    this.places = [];
    this.since = [];
  }

  private compact(): void {
    this.places = this.places.slice(this.first, this.end);
    this.since = this.since.slice(this.first, this.end);
    this.base += this.first;
    this.end -= this.first;
    this.first = 0;
  }
}
