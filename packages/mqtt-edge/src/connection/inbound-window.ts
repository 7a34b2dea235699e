import type { Qos } from '../codec/packet.js';
import type { Properties } from '../codec/properties.js';

/** Compacted when so many answered places stand before the first open one. */
const COMPACT_AT = 64;
/** A place is a number: packet id, QoS from this bit on, and one more than the outcome from that one on; 0 while it is open. */
const QOS_BIT = 16;
const OUTCOME_BIT = 18;
/** In the place of the QoS: a QoS 2 message that has had its PUBREC, and comes again. */
export const REPEAT = 3;
/** How a message waits for its answer. */
export type Waiting = Qos | typeof REPEAT;

export interface Unanswered {
  readonly delivery: number;
  readonly packetId: number;
  readonly waiting: Waiting;
  readonly outcome?: number;
}

/** Who hears of a message that may be answered, because it has its outcome and all before it have left. */
export interface Leaving {
  leave(packetId: number, waiting: Waiting, outcome: number, said: Properties | undefined): void;
}

/**
 * The client's QoS 1 and 2 messages that are not answered, in the order in which they came. Answers may come in any order; they leave in that one
 * ([MQTT-4.6.0-2] and 4.6: acknowledgements are sent in the order of the messages). Numbers, not objects: thousands wait at once, and the
 * garbage collector would carry them along.
 */
export class InboundWindow {
  /** Used from `first` to before `end`, and never made shorter: to grow again would be garbage with every group of messages. */
  private places: number[] = [];
  private since: number[] = [];
  /** Of the few that are refused, and of clients that want to know more, by their number. */
  private sayings: Map<number, Properties> | undefined;
  /** How an id waits. Made when it is asked for first: clients that never send QoS 2 do not pay for it. */
  private ids: Map<number, Waiting> | undefined;
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
  add(packetId: number, waiting: Waiting, now: number): number {
    const index = this.end;
    this.places[index] = packetId | (waiting << QOS_BIT);
    this.since[index] = now;
    this.end = index + 1;
    this.ids?.set(packetId, waiting);
    return this.base + index;
  }

  /** Answers one, and hands over every one that may now leave. A number that is not open is ignored: its connection may have ended. */
  settle(delivery: number, outcome: number, said: Properties | undefined, leaving: Leaving): void {
    const index = delivery - this.base;
    if (index < this.first || index >= this.end) return;
    const place = this.placeAt(index);
    if (place >> OUTCOME_BIT !== 0) return;
    this.places[index] = place | ((outcome + 1) << OUTCOME_BIT);
    if (said !== undefined) (this.sayings ??= new Map()).set(delivery, said);
    while (this.first < this.end) {
      const next = this.placeAt(this.first);
      if (next >> OUTCOME_BIT === 0) break;
      this.leave(next, leaving);
    }
    if (this.first === this.end) this.begin();
    else if (this.first >= COMPACT_AT && this.first * 2 >= this.end) this.compact();
  }

  /** Those whose answer has not left; `outcome`: of those that were settled, and wait for one before them. */
  *unanswered(): Generator<Unanswered> {
    for (let at = this.first; at < this.end; at += 1) {
      const place = this.placeAt(at);
      const outcome = (place >> OUTCOME_BIT) - 1;
      const settled = outcome >= 0 ? { outcome } : {};
      yield { delivery: this.base + at, packetId: idOf(place), waiting: waitingOf(place), ...settled };
    }
  }

  /** How the newest message with this id waits for its answer; undefined: none does. */
  waitingAs(packetId: number): Waiting | undefined {
    return (this.ids ??= this.gatherIds()).get(packetId);
  }

  private gatherIds(): Map<number, Waiting> {
    const ids = new Map<number, Waiting>();
    for (let at = this.first; at < this.end; at += 1)
      ids.set(idOf(this.placeAt(at)), waitingOf(this.placeAt(at)));
    return ids;
  }

  private leave(place: number, leaving: Leaving): void {
    const delivery = this.base + this.first;
    const said = this.sayings?.get(delivery);
    if (said !== undefined) this.sayings?.delete(delivery);
    this.first += 1;
    const packetId = idOf(place);
    const waiting = waitingOf(place);
    if (this.ids?.get(packetId) === waiting) this.ids.delete(packetId);
    leaving.leave(packetId, waiting, (place >> OUTCOME_BIT) - 1, said);
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

function idOf(place: number): number {
  return place & 0xffff;
}

function waitingOf(place: number): Waiting {
  return ((place >> QOS_BIT) & 3) as Waiting; // as `add` has packed it
}
