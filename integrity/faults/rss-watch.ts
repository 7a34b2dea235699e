import { readFileSync } from 'node:fs';

const EVERY_MS = 200;

/** The largest resident memory of a process that may be started again meanwhile. */
export class RssWatch {
  largestMb = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly pid: () => number) {
    this.timer = setInterval(() => this.look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    this.largestMb = Math.max(this.largestMb, rssMb(this.pid()));
  }
}

/** 0 for a process that is gone. */
export function rssMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // killed by the case
  }
}
