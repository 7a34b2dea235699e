/** One member of a group at a time has a partition; the next one gets it when that one has let go. */
export class PartitionTurns {
  private readonly lines = new Map<string, (() => void)[]>();

  /** Resolves with what gives the place back, or with undefined when `signal` was aborted first. */
  take(place: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    const line = this.lines.get(place) ?? [];
    this.lines.set(place, line);
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(undefined);
      const leave = (): void => {
        const index = line.indexOf(turn);
        if (index < 0) return;
        line.splice(index, 1);
        if (index === 0) line[0]?.();
      };
      const giveUp = (): void => {
        leave();
        resolve(undefined);
      };
      const turn = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(leave);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      line.push(turn);
      if (line.length === 1) turn();
    });
  }
}
