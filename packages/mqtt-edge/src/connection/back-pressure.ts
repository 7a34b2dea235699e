import type { Duplex } from 'node:stream';
import type { ProtocolVersion } from '../codec/packet.js';
import type { Limits } from './limits.js';

/** Why a client that was let in is not read for a while: it is held, it does not read itself, or too much of it waits for an answer. */
export class BackPressure {
  private holds = 0;

  constructor(
    private readonly stream: Duplex,
    private readonly limits: Limits,
  ) {}

  hold(): void {
    this.holds += 1;
  }

  release(): void {
    if (this.holds > 0) this.holds -= 1;
  }

  /**
   * `unanswered`: messages, SUBSCRIBEs and UNSUBSCRIBEs of the client that wait for their answer. An MQTT 5 client knows how many it may send, and is told when it sends more;
   * an older one is just not read for a while.
   */
  isOn(version: ProtocolVersion | undefined, unanswered: number): boolean {
    if (this.holds > 0) return true;
    if (this.stream.writableNeedDrain) return true; // who reads no answers asks no more
    const { receiveMaximum } = this.limits;
    return unanswered >= (version === 5 ? 2 * receiveMaximum : receiveMaximum);
  }
}
