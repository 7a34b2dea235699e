import { rssMb } from './usage.js';

const EVERY_MS = 100;

/** The resident memory of a process, while it is watched. */
export class RssWatch {
  private readonly looks: number[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.timer = setInterval(() => this.looks.push(rssMb(pid)), EVERY_MS);
  }

  /** MB, one each 100 ms. */
  stop(): readonly number[] {
    clearInterval(this.timer);
    return this.looks;
  }
}
