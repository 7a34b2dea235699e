/** What has come in so far, and a wait for what is still to come: tests wait for the event, never for time. */
export class Inbox<T> {
  readonly all: T[] = [];
  private readonly waiting = new Set<() => void>();

  readonly push = (...items: readonly T[]): void => {
    this.all.push(...items);
    for (const look of this.waiting) look();
  };

  /** Resolves as soon as `enough` is true of everything that has come in, at once when it is so already. */
  until(enough: (all: readonly T[]) => boolean): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (!enough(this.all)) return;
          resolve([...this.all]);
        } catch (error) {
          reject(error);
        }
        this.waiting.delete(look);
      };
      this.waiting.add(look);
      look();
    });
  }

  count(atLeast: number): Promise<readonly T[]> {
    return this.until((all) => all.length >= atLeast);
  }
}
