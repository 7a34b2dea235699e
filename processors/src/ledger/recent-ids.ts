/** Ids of a device that are remembered, to know a copy when it comes. */
export const RECENT_IDS = 256;
const BYTES = 6;

/** Bits of a filter that most ids are known by not to be there: looking through 256 would cost more than all the rest. */
const FILTER_BITS = 2_048;

/** In the place of one that is forgotten; one id of 2⁴⁸ has it for its hash. */
const NO_ID = 0;

/** The newest ids of one device, each as 48 bits of a hash: two of 256 different ones are taken for the same once in 10¹² messages. */
export class RecentIds {
  private readonly hashes: number[] = [];
  private next = 0;
  private filter = new Uint32Array(FILTER_BITS / 32);

  /** True when it is there already; else it is from now on. */
  seen(id: string): boolean {
    const hash = hashOf(id);
    if (this.mayHave(hash) && this.hashes.includes(hash)) return true;
    this.add(hash);
    return false;
  }

  forget(id: string): void {
    const at = this.hashes.indexOf(hashOf(id));
    if (at !== -1) this.hashes[at] = NO_ID;
  }

  /** The oldest first. */
  toText(): string {
    const { hashes, next } = this;
    const bytes = Buffer.alloc(hashes.length * BYTES);
    for (let index = 0; index < hashes.length; index += 1)
      bytes.writeUIntLE(hashes[(next + index) % hashes.length] ?? 0, index * BYTES, BYTES);
    return bytes.toString('base64');
  }

  static of(text: string): RecentIds {
    const ids = new RecentIds();
    const bytes = Buffer.from(text, 'base64');
    for (let at = 0; at + BYTES <= bytes.length; at += BYTES) ids.add(bytes.readUIntLE(at, BYTES));
    return ids;
  }

  private add(hash: number): void {
    if (this.hashes.length < RECENT_IDS) this.hashes.push(hash);
    else {
      this.hashes[this.next] = hash;
      this.next = (this.next + 1) % RECENT_IDS;
      if (this.next === 0) this.forgetOld();
    }
    this.note(hash);
  }

  private mayHave(hash: number): boolean {
    const bit = hash % FILTER_BITS;
    return (((this.filter[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  private note(hash: number): void {
    const bit = hash % FILTER_BITS;
    this.filter[bit >>> 5] = (this.filter[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  /** The filter still has all that have been taken out since the last time. */
  private forgetOld(): void {
    this.filter = new Uint32Array(FILTER_BITS / 32);
    for (const hash of this.hashes) this.note(hash);
  }
}

/** FNV-1a twice with different beginnings: 24 bits of each. */
function hashOf(id: string): number {
  let one = 0x811c9dc5;
  let two = 0x9747b28c;
  for (let index = 0; index < id.length; index += 1) {
    const code = id.charCodeAt(index);
    one = Math.imul(one ^ code, 0x01000193);
    two = Math.imul(two ^ code, 0x85ebca6b);
    two ^= two >>> 13;
  }
  return ((one ^ (one >>> 24)) & 0xffffff) * 0x1000000 + ((two ^ (two >>> 15)) & 0xffffff);
}
