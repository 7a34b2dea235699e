/** Numbers that look random and come again: sfc32 by Chris Doty-Humphrey, started anew for each input. */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  start(seed: number, index: number): void {
    this.a = seed | 0;
    this.b = index | 0;
    this.c = 0x9e3779b9 | 0;
    this.counter = 1;
    for (let round = 0; round < 8; round++) this.next();
  }

  /** 31 bits: a small integer, which costs no memory. */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11) | 0) + sum) | 0;
    return sum >>> 1;
  }

  /** 0 to `limit - 1`. */
  below(limit: number): number {
    return this.next() % limit;
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T; // the lists of this program are not empty
  }
}
