import type { CommitLog } from '../commit-log.js';

/** For those who must wait for the log while the rest of the process is up. */
export class LogStart {
  isDone = false;
  private resolve: () => void = () => undefined;
  private reject: (error: unknown) => void = () => undefined;
  /** Resolves when the log can be used; rejects when it never will be. */
  readonly started = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.started.catch(() => undefined); // nobody may be waiting; the supervisor hears of it in any case
  }

  async run(log: CommitLog): Promise<void> {
    try {
      await log.start();
    } catch (error) {
      this.reject(error);
      throw error;
    }
    this.isDone = true;
    this.resolve();
  }
}
