const NOTHING = Buffer.alloc(0);
const FIRST_CAPACITY = 64;

/**
 * The packet that comes in pieces. Its memory grows with what has arrived, by doubling, up to the length that was declared: a length costs
 * a peer nothing, so it must cost us nothing either.
 */
export class PacketGatherer {
  bytes: Buffer = NOTHING;
  length = 0;
  /** Of the whole packet; 0: the fixed header is not complete. */
  total = 0;
  isGathering = false;

  start(): void {
    this.isGathering = true;
  }

  addByte(byte: number): void {
    this.reserve(this.length + 1);
    this.bytes[this.length++] = byte;
  }

  /** Takes from `chunk[at..]` what belongs to the packet; how many bytes that were. */
  add(chunk: Buffer, at: number): number {
    const taken = Math.min(Math.max(0, this.total - this.length), chunk.length - at);
    if (taken === 0) return 0;
    this.reserve(this.length + taken);
    chunk.copy(this.bytes, this.length, at, at + taken);
    this.length += taken;
    return taken;
  }

  /** The packet, if it is whole: its memory is the caller's, the next packet gets its own. */
  takeWhole(): Buffer | undefined {
    if (this.total === 0 || this.length < this.total) return undefined;
    const whole = this.bytes.subarray(0, this.total);
    this.clear();
    return whole;
  }

  clear(): void {
    this.bytes = NOTHING;
    this.length = 0;
    this.total = 0;
    this.isGathering = false;
  }

  private reserve(length: number): void {
    if (length <= this.bytes.length) return;
    const doubled = Math.max(length, 2 * this.bytes.length, FIRST_CAPACITY);
    const grown = Buffer.allocUnsafeSlow(this.total > 0 ? Math.min(doubled, this.total) : doubled);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
