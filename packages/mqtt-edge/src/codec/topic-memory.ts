import type { SharedTopic } from './inbound-publish.js';

/** Longer topics are checked and decoded each time. */
const LONGEST = 192;
const EMPTY = new Uint8Array(0);

/**
 * The last topic of a connection. Devices publish to one topic again and again: comparing its bytes costs what checking them would, and
 * spares a string. The bytes are a copy, or an idle connection would keep the chunk alive.
 */
export class TopicMemory {
  private bytes: Uint8Array = EMPTY;
  private length = 0;
  private shared: SharedTopic | undefined;

  /** The topic at this place, if it is the last one. */
  find(bytes: Uint8Array, from: number, to: number): SharedTopic | undefined {
    const length = to - from;
    if (length !== this.length) return undefined;
    const known = this.bytes;
    for (let at = length - 1; at >= 0; at--) {
      if (known[at] !== bytes[from + at]) return undefined; // from the end: topics differ there
    }
    return this.shared;
  }

  /** Remembers a topic that has been checked. */
  keep(bytes: Uint8Array, from: number, to: number): SharedTopic {
    const length = to - from;
    const shared: SharedTopic = { text: undefined };
    if (length > LONGEST) return shared;
    if (this.bytes.length < length) this.bytes = new Uint8Array(Math.min(LONGEST, length + 16));
    const known = this.bytes;
    for (let at = 0; at < length; at++) known[at] = bytes[from + at] as number; // inside the packet
    this.length = length;
    this.shared = shared;
    return shared;
  }
}
