import { Injectable } from '@nestjs/common';

/** One after another per key: who reads a record, changes it and writes it back is not interrupted by the next one in this process. */
@Injectable()
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const mine = before.then(work);
    const over = mine.then(
      () => undefined,
      () => undefined, // the failure is the caller's; the next in turn goes on
    );
    this.last.set(key, over);
    try {
      return await mine;
    } finally {
      if (this.last.get(key) === over) this.last.delete(key); // as many keys as there are requests
    }
  }
}
