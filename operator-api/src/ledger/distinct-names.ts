import { idHash } from '@fieldgate/telemetry-store';

const BITS = 2 ** 23;

/** Counts names in 1 MB, however many there are: among 400,000 it takes one of forty for one that it had before, and never counts one twice. */
export class DistinctNames {
  private readonly seen = new Uint8Array(BITS / 8);
  count = 0;

  add(name: string): void {
    const bit = idHash(name) % BITS;
    const at = bit >>> 3;
    const mask = 1 << (bit & 7);
    const byte = this.seen[at] ?? 0;
    if ((byte & mask) !== 0) return;
    this.seen[at] = byte | mask;
    this.count += 1;
  }
}
