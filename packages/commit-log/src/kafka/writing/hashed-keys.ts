import { murmur2 } from '../protocol/murmur2.js';

/** Devices whose keys are remembered; when there are more, it begins anew. */
const MOST = 20_000;

export interface HashedKey {
  readonly bytes: Buffer;
  readonly hash: number;
}

/** Keys as bytes with their hash: a device's comes with every message. */
export class HashedKeys {
  private readonly known = new Map<string, HashedKey>();

  of(key: string): HashedKey {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const bytes = Buffer.from(key);
    const hashed = { bytes, hash: murmur2(bytes) };
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(key, hashed);
    return hashed;
  }
}
